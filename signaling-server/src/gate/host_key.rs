//! The host key: who has it may make rooms from anywhere.

use rand::RngExt;

/// Letters and digits that cannot be taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// The key. It has no `Debug`, so it reaches no log.
pub(crate) struct HostKey(String);

impl HostKey {
    pub(crate) fn new(key: String) -> Self {
        Self(key)
    }

    /// A new key of 80 random bits, as people copy it.
    pub(crate) fn fresh() -> String {
        let mut random = rand::rng();
        let groups: Vec<String> = (0..4)
            .map(|_| (0..4).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect())
            .collect();
        groups.join("-")
    }

    /// The key as text, to be shown to the person who runs the server and to nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a text is the key; capitals, spaces and dashes do not matter. Takes as long for a near miss as for a
    /// wild guess.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (given, key) = (plain(text), plain(&self.0));
        given.len() == key.len() && given.iter().zip(&key).fold(0, |wrong, (one, other)| wrong | (one ^ other)) == 0
    }
}

fn plain(text: &str) -> Vec<u8> {
    // A key has 16 letters; a text much longer is none, whatever its end.
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_people_type_it() {
        let key = HostKey::new("abcd-efgh-jkmn-pqrs".into());
        assert!(key.matches("abcd-efgh-jkmn-pqrs"));
        assert!(key.matches(" ABCD efgh JKMNpqrs "));
        assert!(!key.matches("abcd-efgh-jkmn-pqrt"));
        assert!(!key.matches("abcd-efgh-jkmn"));
        assert!(!key.matches(""));
        assert!(!key.matches(&"abcd-efgh-jkmn-pqrs".repeat(9)));
    }

    #[test]
    fn fresh_keys_differ_and_match_themselves() {
        let (one, other) = (HostKey::fresh(), HostKey::fresh());
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        assert!(HostKey::new(one.clone()).matches(&one));
        assert!(!HostKey::new(one).matches(&other));
    }
}
