//! The registrar over registries in memory.

use std::sync::Arc;

use super::memory::MemoryRegistry;
use super::*;
use crate::error::Kind;

fn schema(side: Side, subject: &str, text: &str) -> SchemaText {
    SchemaText { side, subject: subject.to_owned(), text: text.to_owned() }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_number_is_asked_for_once_and_of_the_registry_of_its_side() {
    // Given one registry for keys and another one for values.
    let (keys, values) = (Arc::new(MemoryRegistry::default()), Arc::new(MemoryRegistry::default()));
    let registrar = Registrar::over(Some(keys.clone()), Some(values.clone()));
    let both = [schema(Side::Key, "t-key", "\"int\""), schema(Side::Value, "t-value", "\"string\"")];
    assert!(!registrar.knows(&both));

    // When the same schemas are registered twice.
    run(registrar.register(&both)).unwrap();
    run(registrar.register(&both)).unwrap();

    // Then each registry was asked once, and the encoder finds the numbers.
    assert!(registrar.knows(&both));
    assert_eq!((keys.asked(), values.asked()), (1, 1));
    assert_eq!(keys.versions("t-key"), ["\"int\""]);
    assert_eq!(values.versions("t-value"), ["\"string\""]);
    let numbers = registrar.numbers();
    assert_eq!(numbers.id("t-value", "\"string\""), Some(1));
    assert_eq!(numbers.id("t-value", "\"int\""), None, "another text");
    assert_eq!(numbers.id("t-key", "\"string\""), None, "another subject");
}

#[test]
fn a_failure_is_not_kept() {
    let registry = Arc::new(MemoryRegistry::default());
    let registrar = Registrar::over(None, Some(registry.clone()));
    let schemas = [schema(Side::Value, "a-value", "\"int\""), schema(Side::Value, "b-value", "\"long\"")];
    registry.fail(Error::new(Kind::RegistryUnavailable, "away"));
    assert_eq!(run(registrar.register(&schemas)).unwrap_err().kind(), Kind::RegistryUnavailable);
    assert!(!registrar.knows(&schemas));
    run(registrar.register(&schemas)).unwrap();
    assert!(registrar.knows(&schemas));
    assert_eq!(registry.asked(), 3);
}
