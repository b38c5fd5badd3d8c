// Keeps the preview beside a text area up to date: sends the form as its button "Preview" does, and takes
// those parts of the answer over that changed. Without this script the button does it.
(function () {
  'use strict';
  document.querySelectorAll('[data-preview]').forEach(function (editor) {
    var area = editor.querySelector('textarea');
    var button = editor.querySelector('button[name=preview]');
    var name = editor.getAttribute('data-preview');
    var form = area.form;
    var timer;
    var asked = 0;
    // Return in another field presses the first button that submits, which is to be that of the form.
    button.type = 'button';
    button.addEventListener('click', ask);
    area.addEventListener('input', function () {
      clearTimeout(timer);
      timer = setTimeout(ask, 400);
    });
    editor.addEventListener('keydown', function (event) {
      if (event.key !== 'Enter' || event.target.tagName !== 'INPUT') return;
      event.preventDefault();
      ask();
    });
    function ask() {
      clearTimeout(timer);
      var turn = ++asked;
      var fields = new URLSearchParams(new FormData(form));
      fields.set('preview', name);
      fetch(form.getAttribute('action'), {
        method: 'POST',
        body: fields,
        headers: { Accept: 'text/html' },
        credentials: 'same-origin'
      })
        .then(function (answer) { return answer.text(); })
        .then(function (text) { if (turn === asked) show(text); })
        .catch(function () {});
    }
    function show(text) {
      var fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('[data-preview="' + name + '"]');
      if (!fresh) return;
      editor.querySelectorAll('[data-part]').forEach(function (part) {
        var other = fresh.querySelector('[data-part="' + part.getAttribute('data-part') + '"]');
        if (other && other.innerHTML !== part.innerHTML) part.replaceChildren.apply(part, other.childNodes);
      });
    }
  });
})();
