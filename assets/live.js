// Keeps the part of a page marked data-live up to date: asks for the page again every so many seconds, and
// takes that part over where it changed. Without this script the page reloads itself.
(function () {
  'use strict';
  var area = document.querySelector('[data-live]');
  if (!area) return;
  var pause = Number(area.getAttribute('data-live')) * 1000;
  function ask() {
    if (document.hidden) return later();
    fetch(location.href, { headers: { Accept: 'text/html' }, credentials: 'same-origin' })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(); })
      .then(function (text) {
        var fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('[data-live]');
        if (fresh && fresh.innerHTML !== area.innerHTML) area.replaceChildren.apply(area, fresh.childNodes);
      })
      .catch(function () {})
      .then(later);
  }
  function later() { setTimeout(ask, pause); }
  later();
})();
