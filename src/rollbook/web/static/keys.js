// Says so when a passkey or security key cannot be used; the library only tells the console.
document.addEventListener("allauth.error", (event) => {
  const words = document.getElementById("key_trouble");
  if (words) { words.hidden = false; event.preventDefault(); }
});
