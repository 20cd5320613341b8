/** What Confab says only as a page in a browser: there the window itself is the native side. */
export const browserWords = {
  browser: {
    pageServer: "The server this page came from",
    /** What a browser cannot do, and what to do instead. */
    cannot: {
      host: "A browser cannot host meetings. The desktop app does.",
      share: "A browser cannot share a screen here yet. The desktop app does.",
      mini: "A browser has no small window. The desktop app does.",
      onTop: "A browser cannot keep its window above others. The desktop app does.",
      statistics: "A browser has no figures to show yet. The desktop app has.",
      testDevice: "A browser has no test picture and no test speech. Choose a device, or none.",
      fullScreen: "The browser did not give this page the whole screen.",
      windowControls: "A browser's window has buttons of its own.",
      frames: "A browser draws pictures itself.",
      fingerprint: "A browser cannot check the certificate this link names. Open the link itself in the browser, or use the desktop app.",
    },
    link: {
      empty: "Nothing was entered. Paste a meeting link, or type a code such as kestrel-lane-27.",
      badCode: (text: string) => `“${text}” is not a meeting code. A code is two words and a number, such as kestrel-lane-27.`,
      notAMeeting: "This link does not lead to a meeting. A meeting link looks like https://host/m/kestrel-lane-27.",
      badScheme: (scheme: string) => `Confab cannot open ${scheme} links. A meeting link begins with https:// or confab://.`,
      badFingerprint: "The link is damaged: its certificate fingerprint is not 64 hexadecimal digits. Ask for the link again.",
    },
    /** Why a device does not work, where its reason does not say it all. */
    device: {
      blocked: "Allow it for this page in the browser, then try again.",
      missing: "",
      busy: "Close the program that uses it, then try again.",
      lost: "It was unplugged, or the browser took it away.",
      failed: (reason: string) => (reason === "" ? "The browser does not say why." : `The browser says: ${reason}`),
      insecure: "A browser gives sound and picture only to pages that came encrypted.",
    },
    /** Why a call could not be, where `reconnecting.why` does not say it. */
    trouble: {
      closed: "The server closed the connection.",
      no_answer: "The server did not answer in time.",
      unreachable: "No Confab server answers there, or the browser may not speak with it.",
      no_peer: "This browser cannot send and receive sound and picture.",
      broken: "Something in this page went wrong. Join again; if it goes wrong again, load the page anew.",
    },
    hereOnly: "To meet others, open this page at an address they can reach.",
    noCameraText: "Connect one, or join without it: the others see your initials.",
    endedEarly: "The call ended before it began.",
    olderMissing: "Older messages did not come. The server may be away; try again.",
    notKept: "The browser keeps nothing for this page, so the settings hold until it is closed.",
    speakerSilent: "The browser did not play the sound.",
  },
} as const;
