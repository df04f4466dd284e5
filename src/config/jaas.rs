//! `sasl.jaas.config`: user and password out of a line of Java's login configuration.
//!
//! Owns [`parse`]. Syntax: `Class flag key=value key="value" ... ;` with backslash escapes inside the quotes (Java's
//! `Configuration`, as Kafka's `JaasConfig` reads it). Must never put any part of the line into a message.

use super::secret::Secret;

/// Who logs in.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// `username`
    pub username: String,
    /// `password`
    pub password: Secret,
}

/// How a line that can be read looks.
pub const REMEDY: &str = "write: org.apache.kafka.common.security.scram.ScramLoginModule required username=\"...\" \
                      password=\"...\"; (or ...plain.PlainLoginModule)";

/// Reads the line.
///
/// # Errors
/// What is wrong: another login module, a missing option, or a line that is not of this syntax.
pub fn parse(line: &str) -> Result<Login, &'static str> {
    let mut words = tokens(line).ok_or("the line has a quote that does not end")?.into_iter();
    let module = words.next().ok_or("the line is empty")?;
    let class = module.rsplit('.').next().unwrap_or_default();
    if class != "PlainLoginModule" && class != "ScramLoginModule" {
        return Err("only PlainLoginModule and ScramLoginModule are supported");
    }
    words.next().ok_or("the control flag (required) is missing")?;
    let (mut username, mut password) = (None, None);
    for word in words {
        match word.split_once('=') {
            Some(("username", value)) => username = Some(value.to_owned()),
            Some(("password", value)) => password = Some(value.to_owned()),
            Some(("tokenauth", value)) if value.eq_ignore_ascii_case("true") => {
                return Err("delegation tokens are not supported");
            }
            Some(_) => {}
            None => return Err("an option is not of the form name=value"),
        }
    }
    match (username, password) {
        (Some(username), Some(password)) => Ok(Login { username, password: Secret::new(password) }),
        (None, _) => Err("username is missing"),
        (_, None) => Err("password is missing"),
    }
}

/// Words up to the semicolon, quotes resolved; `None` for a quote that does not end.
fn tokens(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ';' => break,
            '"' | '\'' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\\' => quoted.push(letters.next()?),
                        end if end == letter => break,
                        inside => quoted.push(inside),
                    }
                }
            }
            space if space.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_read_as_java_reads_them() {
        let table = [
            (
                r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";"#,
                "u",
                "p",
            ),
            (
                r"org.apache.kafka.common.security.scram.ScramLoginModule required username='u' password='p;q' ;",
                "u",
                "p;q",
            ),
            ("a.ScramLoginModule required\n  username=u\n  password=p", "u", "p"),
            (r#"ScramLoginModule required username="a\"b\\c" password="x=y z" serviceName="k";"#, r#"a"b\c"#, "x=y z"),
        ];
        for (line, username, password) in table {
            let login = parse(line).unwrap();
            assert_eq!((login.username.as_str(), login.password.expose()), (username, password), "{line}");
        }
    }

    #[test]
    fn a_refusal_holds_nothing_of_the_line() {
        let table = [
            "com.sun.security.auth.module.Krb5LoginModule required keyTab=s3cret;",
            "ScramLoginModule required username=\"s3cret",
            "ScramLoginModule required password=s3cret;",
            "ScramLoginModule required username=s3cret;",
            "ScramLoginModule required s3cret;",
            "ScramLoginModule",
            "",
        ];
        for line in table {
            assert!(!parse(line).unwrap_err().contains("s3cret"), "{line}");
        }
    }
}
