//! What the catalogue says about one property.
//!
//! Owns [`Property`], [`Prefix`] and their parts, and the check of a text against a [`ValueType`]. The builder
//! methods are `const`, so that the catalogue is a static table.

use super::pattern;

/// How much a property matters to most users, as Kafka's `ConfigDef.Importance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Nearly every connector sets it.
    High,
    /// Many connectors set it.
    Medium,
    /// For special cases.
    Low,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Any text.
    Text,
    /// A text that is never shown.
    Password,
    /// The name of a Java class.
    Class,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// One of some words, in any case.
    OneOf(&'static [&'static str]),
    /// Comma-separated words.
    List,
    /// Comma-separated, anchored, case-insensitive Java regular expressions.
    Patterns,
}

impl ValueType {
    /// Checks a text, already trimmed where [`Self::trims`] says so.
    ///
    /// # Errors
    /// What the value must be instead, as the end of a sentence; the value itself is not in it.
    pub fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Text | Self::Password | Self::Class | Self::List => Ok(()),
            Self::Bool => match value {
                _ if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") => Ok(()),
                _ => Err("must be true or false".to_owned()),
            },
            Self::Integer { min, max } => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ if max == i64::MAX || max == i64::from(i32::MAX) => {
                    Err(format!("must be a whole number of at least {min}"))
                }
                _ => Err(format!("must be a whole number from {min} to {max}")),
            },
            Self::OneOf(words) => match words.iter().any(|word| word.eq_ignore_ascii_case(value)) {
                true => Ok(()),
                false => Err(format!("must be one of {}", words.join(", "))),
            },
            Self::Patterns => pattern::split(value).iter().try_for_each(|one| match pattern::compile(one) {
                Ok(_) => Ok(()),
                Err(why) => Err(format!("has an expression that cannot be used: {why}")),
            }),
        }
    }

    /// Whether blanks around a value mean nothing, as in Kafka's `ConfigDef.parseType`.
    #[must_use]
    pub const fn trims(self) -> bool {
        !matches!(self, Self::Text | Self::Password)
    }

    /// Whether two texts are the same value of this type.
    #[must_use]
    pub fn same(self, left: &str, right: &str) -> bool {
        let (left, right) = (left.trim(), right.trim());
        match self {
            Self::Bool | Self::OneOf(_) => left.eq_ignore_ascii_case(right),
            Self::Integer { .. } => {
                left.parse::<i64>().is_ok_and(|left| right.parse::<i64>().is_ok_and(|right| left == right))
            }
            Self::Text | Self::Password | Self::Class | Self::List | Self::Patterns => left == right,
        }
    }

    /// The word Kafka Connect's `config_def` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text | Self::OneOf(_) => "STRING",
            Self::Password => "PASSWORD",
            Self::Class => "CLASS",
            Self::Bool => "BOOLEAN",
            Self::Integer { max, .. } if max > i32::MAX as i64 => "LONG",
            Self::Integer { .. } => "INT",
            Self::List | Self::Patterns => "LIST",
        }
    }
}

/// What walcast does with a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Implemented,
    /// It is accepted whatever it says: nothing of what a consumer sees depends on it.
    NoEffect {
        /// Why, as a sentence without its full stop.
        reason: &'static str,
    },
    /// Debezium knows it and walcast does not yet: only its default and these values are accepted, because
    /// anything else would silently give other records than Debezium's.
    NotYet {
        /// Values besides the default (and an empty one, where there is no default) that change nothing.
        harmless: &'static [&'static str],
    },
}

/// Says what is wrong with a value of the right type, as the end of a sentence without the value itself.
pub type Validator = fn(&str) -> Result<(), String>;

/// One property.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What a value must be.
    pub value: ValueType,
    /// What holds where it is absent.
    pub default: Option<&'static str>,
    /// Whether it must be present.
    pub required: bool,
    /// How much it matters.
    pub importance: Importance,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What a value must be beyond its type.
    pub validate: Option<Validator>,
    /// What walcast does with it.
    pub state: State,
}

impl Property {
    /// A property that works, of low importance and without a default.
    #[must_use]
    pub const fn new(name: &'static str, value: ValueType, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            value,
            default: None,
            required: false,
            importance: Importance::Low,
            doc,
            validate: None,
            state: State::Implemented,
        }
    }

    /// A text.
    #[must_use]
    pub const fn text(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, ValueType::Text, doc)
    }

    /// A truth value with its default.
    #[must_use]
    pub const fn bool(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self::new(name, ValueType::Bool, doc).or(default)
    }

    /// A Java `int` of at least `min`.
    #[must_use]
    pub const fn int(name: &'static str, min: i64, doc: &'static str) -> Self {
        Self::new(name, ValueType::Integer { min, max: i32::MAX as i64 }, doc)
    }

    /// A Java `long` of at least `min`.
    #[must_use]
    pub const fn long(name: &'static str, min: i64, doc: &'static str) -> Self {
        Self::new(name, ValueType::Integer { min, max: i64::MAX }, doc)
    }

    /// One of some words.
    #[must_use]
    pub const fn one_of(name: &'static str, words: &'static [&'static str], doc: &'static str) -> Self {
        Self::new(name, ValueType::OneOf(words), doc)
    }

    /// Java regular expressions.
    #[must_use]
    pub const fn patterns(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, ValueType::Patterns, doc)
    }

    /// Sets the default.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Makes it required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self.high()
    }

    /// Marks it as important.
    #[must_use]
    pub const fn high(mut self) -> Self {
        self.importance = Importance::High;
        self
    }

    /// Marks it as of medium importance.
    #[must_use]
    pub const fn medium(mut self) -> Self {
        self.importance = Importance::Medium;
        self
    }

    /// Gives it other names.
    #[must_use]
    pub const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Adds a check beyond the type.
    #[must_use]
    pub const fn check(mut self, validate: Validator) -> Self {
        self.validate = Some(validate);
        self
    }

    /// Marks it as accepted and without effect.
    #[must_use]
    pub const fn no_effect(mut self, reason: &'static str) -> Self {
        self.state = State::NoEffect { reason };
        self
    }

    /// Marks it as not there yet; only its default and the given values pass.
    #[must_use]
    pub const fn not_yet(mut self, harmless: &'static [&'static str]) -> Self {
        self.state = State::NotYet { harmless };
        self
    }

    /// Whether a value changes nothing where the property is [`State::NotYet`].
    #[must_use]
    pub fn is_harmless(&self, value: &str, harmless: &[&str]) -> bool {
        match self.default {
            Some(default) if self.value.same(value, default) => true,
            None if value.trim().is_empty() => true,
            _ => harmless.iter().any(|one| self.value.same(value, one)),
        }
    }
}

/// Properties whose names begin alike, such as `producer.override.`.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// How they begin, with the final dot.
    pub prefix: &'static str,
    /// How a whole name is made, where the rest of it has a form of its own: words in capitals stand for what is filled
    /// in, as in `column.truncate.to.N.chars`.
    pub form: Option<&'static str>,
    /// What they are.
    pub doc: &'static str,
    /// What walcast does with them.
    pub state: State,
}

impl Prefix {
    /// Properties that work.
    #[must_use]
    pub const fn implemented(prefix: &'static str, doc: &'static str) -> Self {
        Self { prefix, form: None, doc, state: State::Implemented }
    }

    /// Properties that are accepted and without effect.
    #[must_use]
    pub const fn no_effect(prefix: &'static str, reason: &'static str, doc: &'static str) -> Self {
        Self { prefix, form: None, doc, state: State::NoEffect { reason } }
    }

    /// Says how a whole name is made.
    #[must_use]
    pub const fn form(mut self, form: &'static str) -> Self {
        self.form = Some(form);
        self
    }

    /// Properties that are refused.
    #[must_use]
    pub const fn not_yet(prefix: &'static str, doc: &'static str) -> Self {
        Self { prefix, form: None, doc, state: State::NotYet { harmless: &[] } }
    }
}
