// A single-page app: oauth4webapi in a browser, on an origin of its own. It signs somebody in at `/`, and does at `/callback`
// what such an app does. What came of it is in `globalThis.outcome`.

import * as oauth from './oauth4webapi.js'

const insecure = { [oauth.allowInsecureRequests]: true }
const { issuer: address, client_id } = JSON.parse(document.querySelector('#told').textContent)
const issuer = new URL(address)
const client = { client_id }
const redirect_uri = `${location.origin}/callback`
const server = await oauth
  .discoveryRequest(issuer, insecure)
  .then((answer) => oauth.processDiscoveryResponse(issuer, answer))

async function begin() {
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
  sessionStorage.setItem('begun', JSON.stringify({ verifier, state, nonce }))
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    client_id, redirect_uri, state, nonce,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  location.assign(url)
}

async function finish() {
  const { verifier, state, nonce } = JSON.parse(sessionStorage.getItem('begun'))
  const answer = oauth.validateAuthResponse(server, client, new URL(location), state)
  const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, redirect_uri, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true })
  // The keys, from another origin too.
  await oauth.validateApplicationLevelSignature(server, response, insecure)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const userinfo = async (token) => {
    const told = await oauth.userInfoRequest(server, client, token, insecure)
    return oauth.processUserInfoResponse(server, client, sub, told)
  }
  const refresh = async (token) => {
    const given = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, insecure)
    return oauth.processRefreshTokenResponse(server, client, given)
  }
  const { email } = await userinfo(tokens.access_token)
  const refreshed = await refresh(tokens.refresh_token)
  // Another grant goes at the end; this one is left to whoever looks at it.
  const error = await refresh('refresh_token_0000000000000000000000000').catch((thrown) => thrown.error)
  return { email, error, server, client_id, ...refreshed }
}

async function leave({ access_token, refresh_token }) {
  const revoked = await oauth.revocationRequest(server, client, oauth.None(), refresh_token, insecure)
  await oauth.processRevocationResponse(revoked)
  const refused = await oauth.userInfoRequest(server, client, access_token, insecure)
  return [refused.status, refused.headers.get('www-authenticate')]
}

Object.assign(globalThis, { begin, leave })
if (location.pathname === '/callback') {
  globalThis.outcome = await finish().catch((error) => ({ failed: `${error.stack} ${JSON.stringify(error.cause)}` }))
}
document.title = 'ready'
