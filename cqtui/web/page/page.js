"use strict";

// Give the terminal the keyboard once the app has drawn, and the button once the session has ended: no mouse is needed.
window.addEventListener("load", () => {
  const body = document.body;
  let drawn = false;
  new MutationObserver(() => {
    if (body.classList.contains("-closed")) {
      document.querySelector(".ended button").focus();
    } else if (!drawn && body.classList.contains("-first-byte")) {
      drawn = true;
      document.querySelector(".xterm-helper-textarea").focus();
    }
  }).observe(body, { attributeFilter: ["class"] });
});
