/** The German words of Confab as a page in a browser. */
import type { Words } from "../index";

export const browserWords: Pick<Words, "browser"> = {
  browser: {
    pageServer: "Der Server, von dem diese Seite kommt",
    cannot: {
      host: "Ein Browser kann keine Meetings ausrichten. Das Programm für den Desktop kann es.",
      share: "Im Browser lässt sich der Bildschirm hier noch nicht teilen. Im Programm für den Desktop geht es.",
      mini: "Ein Browser hat kein kleines Fenster. Das Programm für den Desktop hat eins.",
      onTop: "Ein Browser kann sein Fenster nicht vorn halten. Das Programm für den Desktop kann es.",
      statistics: "Im Browser gibt es noch keine Zahlen zu sehen. Das Programm für den Desktop hat sie.",
      testDevice: "Ein Browser hat kein Testbild und keine Testsprache. Wähle ein Gerät oder keins.",
      fullScreen: "Der Browser hat dieser Seite nicht den ganzen Bildschirm gegeben.",
      windowControls: "Das Fenster eines Browsers hat eigene Knöpfe.",
      frames: "Ein Browser zeichnet Bilder selbst.",
      fingerprint: "Ein Browser kann das Zertifikat nicht prüfen, das dieser Link nennt. Öffne den Link selbst im Browser oder nimm das Programm für den Desktop.",
    },
    link: {
      empty: "Es wurde nichts eingegeben. Füge einen Link zu einem Meeting ein oder tippe einen Code, etwa kestrel-lane-27.",
      badCode: (text) => `„${text}“ ist kein Code eines Meetings. Ein Code besteht aus zwei Wörtern und einer Zahl, etwa kestrel-lane-27.`,
      notAMeeting: "Dieser Link führt zu keinem Meeting. Ein Link zu einem Meeting sieht aus wie https://host/m/kestrel-lane-27.",
      badScheme: (scheme) => `Confab kann ${scheme}-Links nicht öffnen. Ein Link zu einem Meeting beginnt mit https:// oder confab://.`,
      badFingerprint: "Der Link ist beschädigt: Der Fingerabdruck des Zertifikats hat nicht 64 hexadezimale Ziffern. Lass dir den Link noch einmal geben.",
    },
    device: {
      blocked: "Erlaube es dieser Seite im Browser und versuch es dann noch einmal.",
      missing: "",
      busy: "Schließe das Programm, das es benutzt, und versuch es dann noch einmal.",
      lost: "Es wurde abgezogen, oder der Browser hat es weggenommen.",
      failed: (reason) => (reason === "" ? "Der Browser sagt nicht, warum." : `Der Browser sagt: ${reason}`),
      insecure: "Ein Browser gibt Ton und Bild nur Seiten, die verschlüsselt kamen.",
    },
    trouble: {
      closed: "Der Server hat die Verbindung geschlossen.",
      no_answer: "Der Server hat nicht rechtzeitig geantwortet.",
      unreachable: "Dort antwortet kein Confab-Server, oder der Browser darf nicht mit ihm sprechen.",
      no_peer: "Dieser Browser kann Ton und Bild nicht senden und empfangen.",
      broken: "Auf dieser Seite ist etwas schiefgegangen. Tritt noch einmal bei; geht es wieder schief, lade die Seite neu.",
    },
    hereOnly: "Um andere zu treffen, öffne diese Seite unter einer Adresse, die sie erreichen.",
    noCameraText: "Schließ eine an oder tritt ohne bei: Die anderen sehen deine Initialen.",
    endedEarly: "Das Gespräch war zu Ende, bevor es begann.",
    olderMissing: "Ältere Nachrichten kamen nicht. Der Server ist vielleicht weg; versuch es noch einmal.",
    notKept: "Der Browser speichert nichts für diese Seite, darum gelten die Einstellungen, bis sie geschlossen wird.",
    speakerSilent: "Der Browser hat den Ton nicht gespielt.",
  },
};
