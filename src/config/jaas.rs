//! Java's `sasl.jaas.config` as far as user name and password go.

use super::secret::Secret;

/// What a login module was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// Reads `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`, or the
/// same for SCRAM. The error names what is wrong and never a value.
pub(super) fn login(config: &str) -> Result<Login, &'static str> {
    const FORM: &str = "must be MODULE required username=\"..\" password=\"..\";";
    let (module, rest) = config.trim().split_once(char::is_whitespace).ok_or(FORM)?;
    match module.rsplit('.').next() {
        Some("PlainLoginModule" | "ScramLoginModule") => {}
        _ => return Err("names a login module that is not there yet; use PlainLoginModule or ScramLoginModule"),
    }
    let rest = rest.trim_start();
    let flag = rest.split(char::is_whitespace).next().unwrap_or_default();
    if !["required", "requisite", "sufficient", "optional"].iter().any(|known| known.eq_ignore_ascii_case(flag)) {
        return Err(FORM);
    }
    let mut options = rest.get(flag.len()..).unwrap_or_default().trim_start();
    let (mut username, mut password) = (None, None);
    while !options.is_empty() && !options.starts_with(';') {
        let (key, after) = options.split_once('=').ok_or(FORM)?;
        let (value, tail) = option_value(after.trim_start()).ok_or(FORM)?;
        match key.trim() {
            "username" => username = Some(value),
            "password" => password = Some(value),
            _ => {}
        }
        options = tail.trim_start();
    }
    match (username, password) {
        (Some(username), Some(password)) => Ok(Login { username, password: Secret::new(password) }),
        _ => Err(FORM),
    }
}

/// A quoted value with backslash escapes, or a bare word; and what follows it.
fn option_value(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = text.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(text.len());
        return text.split_at_checked(end).map(|(word, tail)| (word.to_owned(), tail));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            c if c == quote => return text.get(at + 1..).map(|tail| (value, tail)),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_found() {
        for (config, username, password) in [
            (
                r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p;=w";"#,
                "u",
                "p;=w",
            ),
            (
                r#"org.apache.kafka.common.security.scram.ScramLoginModule  required  password='a\'b' username=u ;"#,
                "u",
                "a'b",
            ),
            (r#"x.ScramLoginModule required username="u" tokenauth="false" password="a\"b\\";"#, "u", "a\"b\\"),
        ] {
            let login = login(config).expect(config);
            assert_eq!((login.username.as_str(), login.password.expose()), (username, password));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for config in [
            "",
            "PlainLoginModule",
            r#"PlainLoginModule required username="u";"#,
            r#"PlainLoginModule required username="u" password="hunter2"#,
            r#"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="hunter2";"#,
            r#"PlainLoginModule username="u" password="hunter2";"#,
        ] {
            let why = login(config).expect_err(config);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
