"""What the customer reads, in German. `{name}` is the file's displayed name."""

EDIT_DONE = "Ihr Foto „{name}“ ist fertig bearbeitet. Die Vorschau liegt bereit."
RAW_MISSING = (
    "Das Original zu „{name}“ wurde nicht gefunden. Bitte laden Sie die Datei erneut hoch "
    "oder senden Sie sie noch einmal zur Bearbeitung."
)
BROKEN = "„{name}“ konnte nicht gelesen werden: {reason} Bitte laden Sie das Foto erneut hoch."
GAVE_UP = (
    "„{name}“ konnte trotz mehrerer Versuche nicht bearbeitet werden. "
    "Bitte fordern Sie eine Überarbeitung an oder melden Sie sich bei uns."
)
CANCELLED = (
    "Die Bearbeitung von „{name}“ wurde abgebrochen. "
    "Bitte senden Sie das Foto noch einmal zur Bearbeitung oder melden Sie sich bei uns."
)

OTHER_REASON = "Die Datei kann nicht verarbeitet werden."
REASONS = {
    "broken_picture": "Die Datei ist beschädigt oder unvollständig.",
    "not_a_picture": "Die Datei ist kein Bild.",
    "over_limit": "Das Bild ist zu groß für die Bearbeitung.",
}
