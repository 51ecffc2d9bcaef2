/*
 * Light, dark, or as the system has it. A classic script in the head, so that the choice stands before the first paint.
 */
(() => {
  const key = 'unichat/theme';
  const root = document.documentElement;
  const read = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };

  function apply(theme) {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  apply(read());
  window.unichatTheme = {
    get: () => root.dataset.theme ?? 'system',
    set(theme) {
      apply(theme);
      try {
        localStorage.setItem(key, theme);
      } catch {
        /* it holds for this page, then */
      }
    },
  };
})();
