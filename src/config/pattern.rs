//! Include and exclude lists: comma-separated Java regular expressions, matched against the whole name and
//! without regard to case, as Debezium's `Strings.setOfRegex` and `Predicates` do.
//!
//! Owns [`split`], [`compile`] and [`Patterns`]. Java's expressions are translated to the `regex` crate's: what means the
//! same is passed on, `\d`, `\w` and `\s` become ASCII classes as in Java, `\Q..\E` is quoted, and what needs
//! backtracking (look-around, backreferences, possessive quantifiers, atomic groups) is refused with its name.
//!
//! Known difference: Java folds the case of ASCII letters only. So does this, except inside a character class, where
//! other letters match both cases, and `k` and `s` their relatives in Unicode (KELVIN SIGN, LONG S).

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// The elements of a list: split at commas that no backslash escapes, trimmed, without empty ones.
#[must_use]
pub fn split(list: &str) -> Vec<String> {
    let mut elements = vec![String::new()];
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        match (c, elements.last_mut()) {
            (',', _) => elements.push(String::new()),
            ('\\', Some(last)) => match chars.next() {
                Some(',') => last.push(','),
                next => last.extend(Some('\\').into_iter().chain(next)),
            },
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    elements.iter().map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
}

/// A list of compiled expressions.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<Regex>);

impl Patterns {
    /// Compiles a list.
    ///
    /// # Errors
    /// As [`compile`], for the first element that cannot be used.
    pub fn parse(list: &str) -> Result<Self, String> {
        split(list).iter().map(|one| compile(one)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them matches the whole name.
    #[must_use]
    pub fn is_match(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(name))
    }

    /// Whether the list is empty, so that it matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Compiles one Java expression so that it matches a whole name in any case.
///
/// # Errors
/// Why it cannot be used, as the end of a sentence.
pub fn compile(java: &str) -> Result<Regex, String> {
    let translated = translate(java)?;
    let refused = |error: regex::Error| {
        let text = error.to_string();
        // The crate draws the expression with a caret under it on several lines; the last one says why.
        let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        format!("{java:?} is not a regular expression: {why}")
    };
    // Compiled alone first: a stray parenthesis must not find its partner in the anchors.
    Regex::new(&translated).map_err(refused)?;
    RegexBuilder::new(&format!(r"\A(?:{translated})\z")).case_insensitive(true).build().map_err(refused)
}

/// Where the translation stands.
struct Translation<'a> {
    java: &'a str,
    chars: Peekable<Chars<'a>>,
    rust: String,
    /// How many character classes are open.
    classes: usize,
}

/// Java's syntax to the `regex` crate's.
fn translate(java: &str) -> Result<String, String> {
    let mut state = Translation { java, chars: java.chars().peekable(), rust: String::new(), classes: 0 };
    while let Some(c) = state.chars.next() {
        match c {
            '\\' => state.escape()?,
            '[' => state.open_class(),
            ']' if state.classes > 0 => {
                state.classes -= 1;
                state.rust.push(']');
            }
            ']' => state.rust.push_str("\\]"),
            // Set operations of the crate that are plain characters in Java.
            '~' if state.classes > 0 => state.rust.push_str("\\~"),
            '-' if state.classes > 0 && state.chars.peek() == Some(&'-') => state.rust.push_str("\\-"),
            '(' if state.classes == 0 => state.open_group()?,
            '*' | '+' | '?' | '}' if state.classes == 0 => state.quantifier(c)?,
            // Java folds the case of ASCII letters only.
            'k' | 'K' if state.classes == 0 => state.rust.push_str("(?-i:[kK])"),
            's' | 'S' if state.classes == 0 => state.rust.push_str("(?-i:[sS])"),
            c if c.is_ascii() || state.classes > 0 => state.rust.push(c),
            c => state.rust.push_str(&format!("(?-i:{c})")),
        }
    }
    Ok(state.rust)
}

impl Translation<'_> {
    fn refuse(&self, what: &str) -> String {
        format!("{:?} uses {what}, which only a backtracking engine has; write it without", self.java)
    }

    /// A bracket that opens a class; `]` right after it, or after `^`, is a character of the class.
    fn open_class(&mut self) {
        self.classes += 1;
        self.rust.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.rust.push('^');
        }
        if self.chars.next_if_eq(&']').is_some() {
            self.rust.push_str("\\]");
        }
    }

    fn open_group(&mut self) -> Result<(), String> {
        self.rust.push('(');
        if self.chars.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.rust.push('?');
        let ahead: String = self.chars.clone().take(2).collect();
        let name = match ahead.as_bytes() {
            [b'=' | b'!', ..] => "look-ahead",
            [b'<', b'=' | b'!'] => "look-behind",
            [b'>', ..] => "an atomic group",
            [b':' | b'<', ..] => return Ok(()),
            _ => return self.flags(),
        };
        Err(self.refuse(name))
    }

    /// `(?i)` and `(?i:`: only flags that mean the same in both.
    fn flags(&mut self) -> Result<(), String> {
        for c in self.chars.by_ref() {
            self.rust.push(c);
            match c {
                ')' | ':' => return Ok(()),
                'i' | 's' | 'm' | '-' => {}
                other => return Err(format!("{:?} sets the flag {other:?}; only i, s and m can be used", self.java)),
            }
        }
        Ok(())
    }

    /// A quantifier followed by `+` is possessive in Java and would be a second repetition here.
    fn quantifier(&mut self, c: char) -> Result<(), String> {
        self.rust.push(c);
        match self.chars.peek() {
            Some('+') => Err(self.refuse("a possessive quantifier")),
            Some('?') => {
                self.chars.next();
                self.rust.push('?');
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.chars.next() else {
            return Err(format!("{:?} ends with a backslash", self.java));
        };
        let in_class = self.classes > 0;
        match c {
            'd' => self.rust.push_str(if in_class { "0-9" } else { "[0-9]" }),
            'w' => self.rust.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
            's' => self.rust.push_str(if in_class { r" \t\n\x0B\f\r" } else { r"[ \t\n\x0B\f\r]" }),
            'D' => self.rust.push_str("[^0-9]"),
            'W' => self.rust.push_str("[^0-9A-Za-z_]"),
            'S' => self.rust.push_str(r"[^ \t\n\x0B\f\r]"),
            'Q' => self.quoted(),
            'E' => {}
            'e' => self.rust.push_str(r"\x1B"),
            'p' | 'P' => self.property(c)?,
            'x' if self.chars.peek() == Some(&'{') => {
                self.rust.push_str("\\x");
                self.rust.extend(std::iter::from_fn(|| self.chars.next_if(|c| *c != '}')));
                self.rust.extend(self.chars.next());
            }
            't' | 'n' | 'r' | 'f' | 'a' | 'x' | 'u' => self.rust.extend(['\\', c]),
            'b' | 'B' | 'A' | 'z' if !in_class => self.rust.extend(['\\', c]),
            '1'..='9' | 'k' => return Err(self.refuse("a backreference")),
            c if c.is_ascii_alphanumeric() => return Err(format!("{:?} uses \\{c}, which is not there", self.java)),
            c => self.rust.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// `\Q..\E`: everything in between stands for itself.
    fn quoted(&mut self) {
        let rest: String = self.chars.clone().collect();
        let (quoted, taken) = match rest.split_once("\\E") {
            Some((quoted, _)) => (quoted, quoted.chars().count() + 2),
            None => (rest.as_str(), rest.chars().count()),
        };
        self.rust.push_str(&regex::escape(quoted));
        for _ in 0..taken {
            self.chars.next();
        }
    }

    /// `\p{..}`: Unicode's general categories are the same in both; Java's own names are not.
    fn property(&mut self, c: char) -> Result<(), String> {
        let mut name = String::new();
        match self.chars.next() {
            Some('{') => {
                name.extend(std::iter::from_fn(|| self.chars.next_if(|c| *c != '}')));
                self.chars.next();
            }
            Some(letter) => name.push(letter),
            None => {}
        }
        if name.len() > 2 || !name.chars().all(|c| c.is_ascii_alphabetic()) || name.is_empty() {
            return Err(format!("{:?} uses \\{c}{{{name}}}, which is not there; write the characters out", self.java));
        }
        self.rust.push_str(&format!("\\{c}{{{name}}}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_at_bare_commas() {
        for (list, elements) in [
            ("public.a,public.b", &["public.a", "public.b"][..]),
            (" public.a , public.b ,", &["public.a", "public.b"]),
            (r"public\.a{1\,2},b", &[r"public\.a{1,2}", "b"]),
            ("", &[]),
            (r"a\\,b", &[r"a\\", "b"]),
        ] {
            assert_eq!(split(list), elements, "{list:?}");
        }
    }

    #[test]
    fn expressions_match_whole_names_in_any_case() {
        for (java, name, matches) in [
            ("public.orders", "public.orders", true),
            ("public.orders", "PUBLIC.Orders", true),
            ("public.orders", "public.orders2", false),
            ("public.orders", "xpublic.orders", false),
            (r"public\.(a|b)", "public.b", true),
            ("a|b", "ab", false),
            (r"shop\..*", "shop.x", true),
            (r"shop\..*?", "shop.x", true),
            (r"p\d{2}", "p12", true),
            (r"p\d", "p\u{0661}", false),
            (r"[\w-]+", "a-b_c", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"a\_b\-c", "a_b-c", true),
            ("[a--z]+", "a-", true),
            ("ä", "Ä", false),
            ("[]a]", "]", true),
            ("^public[.]t$", "public.t", true),
            (r"\p{L}+", "été", true),
            ("(?i)A", "a", true),
            (r"a\sb", "a b", true),
            ("a]", "a]", true),
            ("a}", "a}", true),
            (r"a\x{41}+", "aAA", true),
            ("[a-z&&[^b]]", "b", false),
            ("[^]a]", "x", true),
            ("K", "\u{212a}", false),
            ("k+s?", "KKS", true),
            ("public.orders", "publicxorders", true),
        ] {
            let regex = compile(java).unwrap_or_else(|why| panic!("{java:?}: {why}"));
            assert_eq!(regex.is_match(name), matches, "{java:?} on {name:?} as {regex}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_name() {
        for (java, part) in [
            (r"public\.(?!tmp_).*", "look-ahead"),
            ("(?=a)a", "look-ahead"),
            ("(?<!x)a", "look-behind"),
            ("(?<=x)a", "look-behind"),
            ("(?>a)", "atomic"),
            (r"(a)\1", "backreference"),
            (r"(?<n>a)\k<n>", "backreference"),
            ("a*+", "possessive"),
            ("a{2}+", "possessive"),
            ("a++", "possessive"),
            ("(?x)a", "flag"),
            (r"\p{javaLowerCase}", "javaLowerCase"),
            ("a(", "unclosed group"),
            ("a)(b", "unopened group"),
            ("a\\", "backslash"),
            ("*a", "not a regular expression"),
        ] {
            let why = compile(java).expect_err(java);
            assert!(why.contains(part), "{java:?}: {why}");
        }
    }
}
