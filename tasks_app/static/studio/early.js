// Runs before the page is painted, so that it never flashes in the other look or language. No module: those wait for the page.
"use strict";
{
  const kept = (name) => {
    try {
      return localStorage.getItem(`studio.${name}`);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const root = document.documentElement;
  const look = kept("look");
  if (look) root.dataset.look = look;
  root.lang = kept("language") || (navigator.language.toLowerCase().startsWith("zh") ? "zh-Hans" : "en");
}
