// Copy buttons. They are hidden in the page and shown only here, where they can work; without this
// script the whole value stands in the page and can be selected.
(function () {
  'use strict';
  if (!navigator.clipboard) return;

  var announcer = document.createElement('div');
  announcer.className = 'visually-hidden';
  announcer.setAttribute('role', 'status');
  document.body.appendChild(announcer);

  document.querySelectorAll('button[data-copy]').forEach(function (button) {
    var label = button.textContent;
    var timer;
    button.hidden = false;
    button.addEventListener('click', function () {
      navigator.clipboard.writeText(button.getAttribute('data-copy')).then(
        function () { say('Copied'); },
        function () { say('Select and copy'); }
      );
    });
    function say(text) {
      clearTimeout(timer);
      button.textContent = text;
      announcer.textContent = text;
      timer = setTimeout(function () {
        button.textContent = label;
        announcer.textContent = '';
      }, 2000);
    }
  });
})();
