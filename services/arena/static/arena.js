// The sites' only script: dismissable messages, collapsible sections, quantity steppers.
"use strict";

function addDismissButtons() {
  for (const flash of document.querySelectorAll(".flash")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Dismiss";
    button.addEventListener("click", () => flash.remove());
    flash.append(button);
  }
}

// <button data-toggles="id" aria-expanded="false">: shows and hides the element with that id.
function wireToggles() {
  for (const button of document.querySelectorAll("[data-toggles]")) {
    const target = document.getElementById(button.dataset.toggles);
    button.addEventListener("click", () => {
      target.hidden = !target.hidden;
      button.setAttribute("aria-expanded", String(!target.hidden));
    });
  }
}

// <button data-steps="id" data-by="1">: changes the number in the field with that id, never below 1.
function wireSteppers() {
  for (const button of document.querySelectorAll("[data-steps]")) {
    button.addEventListener("click", () => {
      const field = document.getElementById(button.dataset.steps);
      const value = Number.parseInt(field.value, 10) || 1;
      field.value = String(Math.max(1, value + Number(button.dataset.by)));
    });
  }
}

addDismissButtons();
wireToggles();
wireSteppers();
