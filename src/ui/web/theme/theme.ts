/** Mantine in our clothes. Colours and sizes are CSS variables in `tokens.css`; here is what only JavaScript can say. */
import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from '@mantine/core';

/** Also in `boot.js`, which reads it before the first paint. */
const themeKey = 'floatlab.theme';
export const schemeManager = localStorageColorSchemeManager({ key: themeKey });

const accent: MantineColorsTuple = [
  '#eeeefb',
  '#e3e3f8',
  '#cfcff2',
  '#b0aefc',
  '#8e8ee6',
  '#7373e2',
  '#6363d6',
  '#5151cd',
  '#4b4bc3',
  '#4343b8',
];

export const theme = createTheme({
  colors: { accent },
  primaryColor: 'accent',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    NativeSelect: { defaultProps: { size: 'xs' } },
    Autocomplete: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    // Locking the page behind a dialog would inject a style element, which the policy forbids.
    Modal: {
      defaultProps: {
        lockScroll: false,
        centered: true,
        transitionProps: { duration: 120, transition: 'fade' },
        overlayProps: { backgroundOpacity: 0.4, color: '#0b0c0f' },
        closeButtonProps: { 'aria-label': 'Close' },
        // Its header element would be taken for the banner of the page.
        attributes: { header: { role: 'none' } },
      },
    },
    Menu: {
      defaultProps: {
        shadow: 'md',
        withinPortal: true,
        // Inside a landmark of the page, see the shell.
        portalProps: { target: '#overlays' },
        withInitialFocusPlaceholder: false,
        position: 'bottom-end',
        offset: 4,
        transitionProps: { duration: 80 },
      },
    },
    Popover: { defaultProps: { shadow: 'md', transitionProps: { duration: 80 } } },
    SegmentedControl: { defaultProps: { size: 'xs' } },
  },
});
