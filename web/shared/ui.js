/*
 * Preact with htm: components without a build step. What htm puts into the page is text and attributes, never markup, so
 * a message cannot become an element.
 */
import { createElement, Fragment, render } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export const html = htm.bind(createElement);
export { Fragment, render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/hooks.js';
