// Small helps; every page works without them, save live progress.
(() => {
  "use strict";

  // Menus close when the person goes elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.rb-menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.rb-menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A form that was sent is not sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    form.dataset.sent = "yes";
    setTimeout(() => { for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = false;
    }
  });

  // "All" ticks every box of its group that is shown: <input type=checkbox data-all="school">
  document.addEventListener("change", (event) => {
    const name = event.target.dataset && event.target.dataset.all;
    if (!name) return;
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(name)}"]`)) {
      if (!box.closest("[hidden]") && !box.disabled) box.checked = event.target.checked;
    }
  });

  // What was under way has ended: the page is loaded anew, but never over what somebody has typed or chosen.
  const isTyped = (field) => {
    if (!field.name || field.type === "hidden") return false;
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) {
      const chosen = [...field.options].some((one) => one.defaultSelected);
      return chosen ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.selectedIndex > 0;
    }
    return "defaultValue" in field && field.value !== field.defaultValue;
  };
  const ended = () => {
    const line = document.getElementById("rb-ended");
    const typed = [...document.forms].some((form) => [...form.elements].some(isTyped));
    if (line && typed) { line.hidden = false; return; }
    location.reload();
  };

  // What a part of the page asks for by itself replaces nothing when the answer is none: something may be typed on the
  // page. That the sign-in is over is said in a line of its own, until somebody is signed in again.
  const signedOut = (is) => {
    const line = document.getElementById("rb-signed-out");
    if (line && line.hidden === is) line.hidden = !is;
  };
  document.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    if (response.status < 400 && !response.raw.redirected) {
      signedOut(false);
      if (response.raw.headers.get("Rollbook-Ended")) ended();
      return;
    }
    if (request.method.toUpperCase() !== "GET") return;
    event.preventDefault();
    if (response.status === 401 || response.raw.redirected) signedOut(true);
  });
  document.addEventListener("htmx:sse:error", (event) => { if (event.detail.status === 401) signedOut(true); });

  // Lists that filter as one types: <input data-filter="#table-id">, rows are [data-text] within.
  document.addEventListener("input", (event) => {
    const where = event.target.dataset && event.target.dataset.filter;
    if (!where) return;
    const wanted = event.target.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(`${where} [data-text]`)) {
      row.hidden = wanted !== "" && !row.dataset.text.toLowerCase().includes(wanted);
    }
  });
})();
