//! What people may write: names and chat messages.

/// Characters that turn the writing direction or are invisible; in a name they can make one person look like another.
fn deceives(letter: char) -> bool {
    matches!(letter,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

/// A name as it is shown: without control and direction characters, runs of spaces made one, at most `limit` Unicode
/// scalar values. Empty when nothing is left.
pub fn clean_name(name: &str, limit: u32) -> String {
    let visible: String = name
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control() && !deceives(*letter))
        .collect();
    let words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(limit as usize).collect();
    short.trim_end().to_owned()
}

/// Whether a chat message has anything to read: more than spaces and invisible characters.
pub(crate) fn says_something(content: &str) -> bool {
    content.chars().any(|letter| !letter.is_whitespace() && !letter.is_control() && !deceives(letter))
}

/// A chat message as it is stored: line ends and tabs stay, other control characters go.
pub(crate) fn clean_chat(content: &str) -> String {
    content.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_what_could_deceive() {
        assert_eq!(clean_name("  Ada \u{202E} \n Lovelace\u{0}\u{200B} ", 64), "Ada Lovelace");
        assert_eq!(clean_name("\u{202E}\u{200B}\t", 64), "");
    }

    #[test]
    fn a_name_is_cut_at_whole_letters() {
        assert_eq!(clean_name("ééééé", 3), "ééé");
        assert_eq!(clean_name("ab cd", 3), "ab");
    }

    #[test]
    fn a_chat_message_keeps_its_lines() {
        assert_eq!(clean_chat("one\r\ntwo\tthree\u{7}"), "one\ntwo\tthree");
        assert!(!says_something(" \n\u{200B}"));
        assert!(says_something("."));
    }
}
