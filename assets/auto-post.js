// Posts the page's form marked data-auto-submit, once. Without it the form's button does the same.
(function () {
  'use strict';
  var form = document.querySelector('form[data-auto-submit]');
  if (!form) return;

  // A second press while the first post is under way would send a one-time message twice.
  var busy = false;
  function send() {
    busy = true;
    form.setAttribute('aria-busy', 'true');
    setTimeout(function () {
      busy = false;
      form.removeAttribute('aria-busy');
    }, 8000);
  }
  form.addEventListener('submit', function (event) {
    if (busy) event.preventDefault();
    else send();
  });

  // Someone who came here with the back button wants to leave, not to be sent on again.
  var navigation = performance.getEntriesByType('navigation')[0];
  if (navigation && navigation.type === 'back_forward') return;

  send();
  HTMLFormElement.prototype.submit.call(form);
})();
