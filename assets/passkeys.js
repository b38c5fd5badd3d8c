// Passkeys. A form marked `data-passkey` holds what the browser asks the authenticator (`data-options`) and
// sends back what it answers, in its field `answer`. Without this script its button stays hidden, and the
// other ways to sign in are there.
(function () {
  'use strict';
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  function bytes(text) {
    var raw = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
    return Uint8Array.from(raw, function (letter) { return letter.charCodeAt(0); });
  }

  function text(buffer) {
    var raw = '';
    new Uint8Array(buffer).forEach(function (byte) { raw += String.fromCharCode(byte); });
    return btoa(raw).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }

  function readable(options) {
    var key = options.publicKey;
    key.challenge = bytes(key.challenge);
    if (key.user) key.user.id = bytes(key.user.id);
    (key.excludeCredentials || []).concat(key.allowCredentials || []).forEach(function (one) {
      one.id = bytes(one.id);
    });
    return key;
  }

  function written(credential) {
    var from = credential.response;
    var response = { clientDataJSON: text(from.clientDataJSON) };
    if (from.attestationObject) {
      response.attestationObject = text(from.attestationObject);
      response.transports = from.getTransports ? from.getTransports() : [];
    } else {
      response.authenticatorData = text(from.authenticatorData);
      response.signature = text(from.signature);
      response.userHandle = from.userHandle ? text(from.userHandle) : null;
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: response,
      clientExtensionResults: {}
    });
  }

  document.querySelectorAll('form[data-passkey]').forEach(function (form) {
    var making = form.getAttribute('data-passkey') === 'create';
    var button = form.querySelector('button[data-passkey-button]');
    var said = form.querySelector('[data-passkey-said]');
    var key = readable(JSON.parse(form.getAttribute('data-options')));
    var opened = Date.now();
    var waiting = null;

    function send(credential) {
      if (!credential) return;
      form.elements.answer.value = written(credential);
      form.submit();
    }

    function failed(error) {
      if (error.name === 'AbortError') return;
      said.textContent = error.name === 'InvalidStateError'
        ? 'This device already has a passkey for your account.'
        : 'No passkey was used. Try again, or take another way.';
      said.hidden = false;
    }

    button.hidden = false;
    form.hidden = false;
    button.addEventListener('click', function () {
      // What the page asks is good for ten minutes.
      if (Date.now() - opened > 540000) { location.reload(); return; }
      said.hidden = true;
      if (waiting) waiting.abort();
      var asked = making
        ? navigator.credentials.create({ publicKey: key })
        : navigator.credentials.get({ publicKey: key });
      asked.then(send, failed);
    });

    // Where the browser can, it offers passkeys as it offers passwords: in the address field. Only where there is
    // one: what confirms who sits here takes a click. Not right after a refusal: a device that answers by itself
    // would be refused again and again.
    var field = document.querySelector('input[autocomplete~="webauthn"]');
    var refused = document.querySelector('[role="alert"]');
    if (!making && field && !refused && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then(function (can) {
        if (!can) return;
        waiting = new AbortController();
        navigator.credentials
          .get({ publicKey: key, mediation: 'conditional', signal: waiting.signal })
          .then(send, function () {});
      });
    }
  });
})();
