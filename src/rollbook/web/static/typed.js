// Puts back into its form what somebody had typed when their sign-in expired. Nothing is sent.
(() => {
  "use strict";
  const data = document.getElementById("rb-typed");
  if (!data) return;
  const kept = JSON.parse(data.textContent);
  const texts = new Map();
  for (const [name, text] of kept.fields) texts.set(name, [...(texts.get(name) || []), text]);
  const path = (address) => new URL(address || location.pathname, location.href).pathname;
  const leadsThere = (form) => [form, ...form.elements].some((one) =>
    one === form ? path(form.getAttribute("action")) === kept.action
      : one.hasAttribute("formaction") && path(one.getAttribute("formaction")) === kept.action);
  const fits = (form) => [...form.elements].filter((one) => texts.has(one.name)).length;
  const forms = [...document.forms].filter((form) => form.method === "post" && leadsThere(form));
  const form = forms.sort((a, b) => fits(b) - fits(a))[0];
  if (!form || !fits(form)) return; // what was typed stays listed on the page

  const used = new Map();
  const next = (name) => {
    const place = used.get(name) || 0;
    used.set(name, place + 1);
    return (texts.get(name) || [])[place];
  };
  for (const field of form.elements) {
    if (!field.name || ["password", "file", "submit", "button"].includes(field.type) || field.name === "csrfmiddlewaretoken") continue;
    const wanted = texts.get(field.name) || [];
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = wanted.includes(field.value);
    } else if (field.type === "select-multiple") {
      for (const option of field.options) option.selected = wanted.includes(option.value);
    } else {
      const text = next(field.name);
      if (text === undefined) continue;
      field.value = text;
    }
    used.set(field.name, Math.max(used.get(field.name) || 0, 1));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const rest = kept.fields.filter(([name]) => !used.has(name));
  document.getElementById("rb-typed-list").hidden = rest.length === 0;
  form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
})();
