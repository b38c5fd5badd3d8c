// A browser as far as signing in needs one: cookies, forms, and redirects that are followed one by one.

export class Browser {
  #cookies = new Map()

  async open(url, init = {}) {
    const headers = { accept: 'text/html', ...init.headers }
    if (this.#cookies.size > 0) {
      headers.cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    }
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split('; ')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      attributes.includes('Max-Age=0') ? this.#cookies.delete(name) : this.#cookies.set(name, value)
    }
    return { url, status: answer.status, location: answer.headers.get('location'), body: await answer.text() }
  }

  // Fills in the form of a page and sends it; not the one that needs a script and a passkey.
  submit(page, values) {
    const form = /<form(?![^>]* data-passkey)[^>]* action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(page.body)
    if (!form) throw new Error(`no form on ${page.url}: ${page.status} ${page.body}`)
    const fields = new URLSearchParams()
    for (const [input] of form[2].matchAll(/<input[^>]*>/g)) {
      const attribute = (name) => plain(new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1] ?? '')
      if (attribute('name')) fields.set(attribute('name'), attribute('value'))
    }
    Object.entries(values).forEach(([name, value]) => fields.set(name, value))
    const target = new URL(plain(form[1]), page.url).href
    return this.open(target, { method: 'POST', body: fields })
  }

  // Goes where an application sends it, signs in if it is asked to, and comes back to the application: to that address.
  async signIn(authorize, { email, password }, callback) {
    let page = await this.open(new URL(authorize).href)
    for (let step = 0; step < 8; step += 1) {
      if (page.location) {
        const target = new URL(page.location, page.url).href
        if (target.startsWith(callback)) return new URL(target)
        page = await this.open(target)
      } else if (page.body.includes('type="password"')) {
        page = await this.submit(page, { password })
      } else if (page.body.includes(' name="identifier"')) {
        page = await this.submit(page, { identifier: email })
      } else {
        // What is offered besides is left.
        page = await this.submit(page, {})
      }
    }
    throw new Error(`the sign-in does not end: ${page.status} ${page.url} ${page.body}`)
  }
}

function plain(html) {
  return html.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
