"use strict";
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  var films = Array.prototype.slice.call(document.querySelectorAll("details.film"));
  var text = document.getElementById("f-text");
  var outcome = document.getElementById("f-outcome");
  var group = document.getElementById("f-group");
  var split = document.getElementById("f-split");
  var count = document.getElementById("f-count");
  var none = document.getElementById("f-none");

  function filter() {
    var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    films.forEach(function (film) {
      var data = film.dataset;
      var fits =
        (!outcome.value || data.outcome === outcome.value || data.change === outcome.value) &&
        (!group.value || data.group === group.value) &&
        (!split.value || data.split === split.value) &&
        words.every(function (word) {
          return data.text.toLowerCase().indexOf(word) >= 0;
        });
      film.hidden = !fits;
      if (fits) shown += 1;
    });
    count.textContent = shown + " of " + films.length;
    none.hidden = shown > 0;
  }

  // A picture that occurs many times is in the file once; the other places borrow it when they are opened.
  function borrow(film) {
    film.querySelectorAll("img[data-same-as]").forEach(function (image) {
      var first = document.getElementById(image.dataset.sameAs);
      if (first && !image.getAttribute("src")) image.src = first.src;
    });
  }

  function reveal() {
    var id = decodeURIComponent(location.hash.slice(1));
    var film = id && document.getElementById(id);
    if (!film || !film.classList.contains("film")) return;
    film.hidden = false;
    film.open = true;
    borrow(film);
    film.scrollIntoView({ block: "start" });
  }

  films.forEach(function (film) {
    film.addEventListener("toggle", function () {
      if (film.open) borrow(film);
    });
  });
  [text, outcome, group, split].forEach(function (control) {
    if (control) control.addEventListener("input", filter);
  });
  window.addEventListener("hashchange", reveal);

  var box = document.getElementById("lightbox");
  document.addEventListener("click", function (event) {
    var image = event.target;
    if (image.tagName === "IMG" && image.closest(".shot") && image.src) {
      box.querySelector("img").src = image.src;
      box.showModal();
    } else if (box.open) {
      box.close();
    }
  });

  if (films.length) filter();
  reveal();
})();
