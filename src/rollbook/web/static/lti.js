// An LMS that registered Rollbook may close this window (LTI Dynamic Registration 1.0, 3.7). The message says nothing else.
(() => {
  const site = document.querySelector("[data-lti-close]")?.dataset.ltiClose;
  const other = window.opener || (window.parent !== window ? window.parent : null);
  if (site && other) other.postMessage({ subject: "org.imsglobal.lti.close" }, site);
})();
