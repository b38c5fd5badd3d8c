// Clients of another hand, openid-client and oauth4webapi, at an organization's issuer: they sign somebody in with a code and
// PKCE, verify the ID token and the access token, ask userinfo, refresh, introspect, revoke and sign out. OSTIARY_TOLD says
// where, who, and for which applications.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { Browser } from './browser.mjs'

const told = JSON.parse(process.env.OSTIARY_TOLD)
const issuer = new URL(told.issuer)
const scope = 'openid profile email offline_access'
// The tests' server speaks http.
const insecure = { [oauth.allowInsecureRequests]: true }

// What every ID token says.
function check(claims, application) {
  assert.equal(claims.iss, told.issuer)
  assert.equal(claims.aud, application.id)
  assert.equal(claims.sub, told.user)
  assert.deepEqual(claims.amr, ['pwd'])
  assert.equal(claims.email, told.email)
  assert.equal(claims.email_verified, true)
}

// A refusal by the library, whose cause names this.
const distrusted = (reason) => (thrown) => {
  assert.match(thrown.cause?.message ?? thrown.message, reason, thrown.stack)
  return true
}

// A refusal by the server, with this code.
const refused = (error) => (thrown) => {
  const found = thrown.error ?? thrown.cause?.error ?? thrown.cause?.[0]?.parameters?.error
  assert.equal(found, error, thrown.stack)
  return true
}

async function withOpenidClient(application) {
  const { id, secret, authentication } = application
  const proof = {
    none: () => openid.None(),
    basic: () => openid.ClientSecretBasic(secret),
    post: () => openid.ClientSecretPost(secret),
  }[authentication]()
  const metadata = { id_token_signed_response_alg: application.alg }
  // The ID token's signature is verified too, although it came straight from the issuer.
  const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks]
  const config = await openid.discovery(issuer, id, metadata, proof, { execute })
  const server = config.serverMetadata()
  assert.ok(server.supportsPKCE())

  const begin = async (more = {}) => {
    const verifier = openid.randomPKCECodeVerifier()
    const checks = { pkceCodeVerifier: verifier, expectedState: openid.randomState(), expectedNonce: openid.randomNonce() }
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: told.redirect_uri,
      scope,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...more,
    })
    return { url, checks }
  }
  const browser = new Browser()
  const { url, checks } = await begin({ login_hint: told.email })
  const callback = await browser.signIn(url, told, told.redirect_uri)
  const tokens = await openid.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true })
  check(tokens.claims(), application)
  assert.equal(tokens.expiresIn() > 3500, true)
  const who = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(who.email, told.email)

  // With the session, without a page; and what cannot be without one.
  const again = await begin({ prompt: 'none', max_age: '600' })
  const silent = await browser.signIn(again.url, told, told.redirect_uri)
  const second = await openid.authorizationCodeGrant(config, silent, { ...again.checks, maxAge: 600, idTokenExpected: true })
  assert.equal(second.claims().sid, tokens.claims().sid)
  const stranger = await begin({ prompt: 'none' })
  const nobody = await new Browser().signIn(stranger.url, told, told.redirect_uri)
  await assert.rejects(openid.authorizationCodeGrant(config, nobody, stranger.checks), refused('login_required'))

  // Another's answer: another state, another issuer, another nonce.
  const other = await begin()
  const answer = await browser.signIn(other.url, told, told.redirect_uri)
  const wrong = (change) => openid.authorizationCodeGrant(config, answer, { ...other.checks, ...change })
  await assert.rejects(wrong({ expectedState: 'x' }), distrusted(/state/))
  const mixed = new URL(answer)
  mixed.searchParams.set('iss', `${told.issuer}x`)
  await assert.rejects(openid.authorizationCodeGrant(config, mixed, other.checks), distrusted(/iss/))
  await assert.rejects(wrong({ expectedNonce: 'x' }), distrusted(/nonce/))

  // Rotation: each refresh token is good once.
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token)
  check(refreshed.claims(), application)
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
  if (authentication !== 'none') {
    const live = await openid.tokenIntrospection(config, refreshed.access_token)
    assert.deepEqual([live.active, live.sub, live.client_id], [true, told.user, id])
    assert.equal((await openid.tokenIntrospection(config, refreshed.refresh_token)).active, true)
    assert.equal((await openid.tokenIntrospection(config, tokens.refresh_token)).active, false)
  }
  await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'))
  await assert.rejects(openid.refreshTokenGrant(config, refreshed.refresh_token), refused('invalid_grant'))

  // Revocation, of another grant of the same session.
  await openid.tokenRevocation(config, second.access_token)
  await assert.rejects(openid.fetchUserInfo(config, second.access_token, told.user), refused('invalid_token'))
  await openid.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' })
  await assert.rejects(openid.refreshTokenGrant(config, second.refresh_token), refused('invalid_grant'))

  // The end of the session, and of what was given in it.
  const last = await begin({ prompt: 'none' })
  const ended = await browser.signIn(last.url, told, told.redirect_uri)
  const third = await openid.authorizationCodeGrant(config, ended, { ...last.checks, idTokenExpected: true })
  const out = openid.buildEndSessionUrl(config, {
    id_token_hint: third.id_token,
    post_logout_redirect_uri: told.signed_out,
    state: 'bye',
  })
  assert.equal((await browser.open(out.href)).location, `${told.signed_out}?state=bye`)
  await assert.rejects(openid.fetchUserInfo(config, third.access_token, told.user), refused('invalid_token'))
  await assert.rejects(openid.refreshTokenGrant(config, third.refresh_token), refused('invalid_grant'))
}

async function withOauth4webapi(application) {
  const { id, secret, authentication } = application
  const proof = {
    none: () => oauth.None(),
    basic: () => oauth.ClientSecretBasic(secret),
    post: () => oauth.ClientSecretPost(secret),
  }[authentication]()
  const client = { client_id: id, id_token_signed_response_alg: application.alg }
  // The same metadata at OpenID Connect's place and at RFC 8414's.
  const discover = async (algorithm) => {
    const answer = await oauth.discoveryRequest(issuer, { algorithm, ...insecure })
    return oauth.processDiscoveryResponse(issuer, answer)
  }
  const server = await discover('oidc')
  assert.deepEqual(await discover('oauth2'), server)

  const browser = new Browser()
  const begin = async () => {
    const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
    const url = new URL(server.authorization_endpoint)
    const parameters = {
      client_id: id,
      response_type: 'code',
      redirect_uri: told.redirect_uri,
      scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    Object.entries(parameters).forEach(([name, value]) => url.searchParams.set(name, value))
    const callback = await browser.signIn(url, told, told.redirect_uri)
    return { verifier, nonce, answer: oauth.validateAuthResponse(server, client, callback, state) }
  }
  const exchange = async ({ verifier, nonce, answer }) => {
    const response = await oauth.authorizationCodeGrantRequest(
      server, client, proof, answer, told.redirect_uri, verifier, insecure,
    )
    const expected = { expectedNonce: nonce, requireIdToken: true }
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected)
    await oauth.validateApplicationLevelSignature(server, response, insecure)
    return tokens
  }
  const userinfo = async (token) => {
    const response = await oauth.userInfoRequest(server, client, token, insecure)
    return oauth.processUserInfoResponse(server, client, told.user, response)
  }
  const refresh = async (token) => {
    const response = await oauth.refreshTokenGrantRequest(server, client, proof, token, insecure)
    return oauth.processRefreshTokenResponse(server, client, response)
  }
  const introspect = async (token, who = client, how = proof) => {
    const response = await oauth.introspectionRequest(server, who, how, token, insecure)
    return oauth.processIntrospectionResponse(server, who, response)
  }
  const revoke = async (token) => {
    const response = await oauth.revocationRequest(server, client, proof, token, insecure)
    return oauth.processRevocationResponse(response)
  }

  const begun = await begin()
  const tokens = await exchange(begun)
  check(oauth.getValidatedIdTokenClaims(tokens), application)
  assert.equal((await userinfo(tokens.access_token)).name, 'Dana Doe')
  // The access token, as an API of the vendor verifies it (RFC 9068).
  const called = new Request('https://api.portal.example/', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const access = await oauth.validateJwtAccessToken(server, called, told.issuer, insecure)
  assert.deepEqual([access.sub, access.client_id, access.scope], [told.user, id, scope])

  const refreshed = await refresh(tokens.refresh_token)
  await userinfo(refreshed.access_token)
  if (authentication === 'none') {
    await assert.rejects(introspect(refreshed.access_token), refused('invalid_client'))
    const { introspector } = told
    const live = await introspect(refreshed.access_token, { client_id: introspector.id }, oauth.ClientSecretBasic(introspector.secret))
    assert.equal(live.active, true)
  } else {
    assert.equal((await introspect(refreshed.access_token)).active, true)
    assert.deepEqual(await introspect('none'), { active: false })
  }
  await revoke(refreshed.refresh_token)
  await assert.rejects(userinfo(refreshed.access_token), refused('invalid_token'))
  await assert.rejects(refresh(refreshed.refresh_token), refused('invalid_grant'))

  // A code that comes twice ends what came of it.
  const next = await begin()
  const first = await exchange(next)
  await assert.rejects(exchange(next), refused('invalid_grant'))
  await assert.rejects(userinfo(first.access_token), refused('invalid_token'))
  await assert.rejects(refresh(first.refresh_token), refused('invalid_grant'))

  const third = await exchange(await begin())
  const out = new URL(server.end_session_endpoint)
  out.searchParams.set('id_token_hint', third.id_token)
  out.searchParams.set('post_logout_redirect_uri', told.signed_out)
  assert.equal((await browser.open(out.href)).location, told.signed_out)
  await assert.rejects(userinfo(third.access_token), refused('invalid_token'))
}

// Warnings of the libraries are as good as refusals.
process.on('warning', (warning) => {
  throw warning
})
for (const application of told.applications) {
  await withOpenidClient(application)
  await withOauth4webapi(application)
  console.log(application.authentication, application.alg)
}
