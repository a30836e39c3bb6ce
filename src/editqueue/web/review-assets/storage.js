// What the browser keeps for us. A browser that keeps nothing (private window, blocked storage) must not stop the page.

export const forThisTab = keeper(() => sessionStorage);
export const forThisBrowser = keeper(() => localStorage);

function keeper(storage) {
  const meanwhile = new Map();
  return {
    get(key) {
      return attempt(() => storage().getItem(key)) ?? meanwhile.get(key) ?? null;
    },
    set(key, value) {
      meanwhile.set(key, value);
      attempt(() => storage().setItem(key, value));
    },
    remove(key) {
      meanwhile.delete(key);
      attempt(() => storage().removeItem(key));
    },
  };
}

function attempt(access) {
  try {
    return access();
  } catch {
    return null;
  }
}
