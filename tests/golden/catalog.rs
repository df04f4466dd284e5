//! The facts in the recordings were read by a query of the recorder's own; the source room must read the same.

use walcast::catalog::facts::TableFacts;
use walcast::config::{self, Brokers, Overrides};
use walcast::local::PostgresServer;
use walcast::source::facts;
use walcast::source::sql::Sql;

use super::recording::{self, Recording};
use crate::support::database::Database;
use crate::support::servers;

/// Given the tables of each scenario, when the source room reads their facts, then they are what is recorded.
fn tables_are_read_as_recorded(server: &dyn PostgresServer) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for scenario in recording::scenarios(server.major()) {
        if recording::follows_another(&scenario) {
            continue;
        }
        let database = Database::create(server);
        // Where an extension is not installed, its scenario is known by what was recorded alone.
        let missing =
            recording::extensions(&scenario).into_iter().any(|extension| !is_available(&database, &extension));
        if missing {
            continue;
        }
        let variant = &recording::variants(&scenario)[0];
        let recording = Recording::of(server.major(), &scenario, variant);
        database.execute("SET TIME ZONE 'UTC'");
        for statement in recording::setup(&recording.scenario) {
            database.execute(&statement);
        }
        database.execute(&format!("CREATE PUBLICATION {} FOR ALL TABLES", database.publication));

        let found = runtime.block_on(facts::of_publication(&sql(server, &database), &database.publication)).unwrap();

        assert!(!found.tables.is_empty(), "{}", recording.scenario);
        for (id, found) in found.tables {
            let name = database.session().value(&format!(
                "SELECT n.nspname || '.' || c.relname FROM pg_class c, pg_namespace n
                  WHERE n.oid = c.relnamespace AND c.oid = {id}"
            ));
            let name = name.unwrap();
            assert_eq!(comparable(found), recording.tables[&name], "{} {name}", recording.scenario);
        }
    }
}

fn is_available(database: &Database<'_>, extension: &str) -> bool {
    let found = format!("SELECT count(*)::text FROM pg_available_extensions WHERE name = '{extension}'");
    database.session().value(&found).as_deref() != Some("0")
}

#[test]
fn tables_of_postgresql_15_are_read_as_recorded() {
    tables_are_read_as_recorded(servers::postgres_15());
}

#[test]
fn tables_of_postgresql_18_are_read_as_recorded() {
    tables_are_read_as_recorded(servers::postgres_18());
}

fn sql(server: &dyn PostgresServer, database: &Database<'_>) -> Sql {
    let text = format!(
        r#"{{"name": "golden", "database.hostname": "{}", "database.port": "{}", "database.user": "{}",
             "database.dbname": "{}", "plugin.name": "pgoutput", "snapshot.mode": "no_data", "topic.prefix": "golden"}}"#,
        server.host(),
        server.port(),
        server.user(),
        database.name
    );
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    let loaded = config::load_text("golden.json", &text, &overrides, &|_| None);
    Sql::new(loaded.unwrap_or_else(|error| panic!("{}", error.report())).connector.database)
}

/// The source room pins the search path, so its expressions name the schema of types that the recorder's do not.
fn comparable(mut table: TableFacts) -> TableFacts {
    for column in &mut table.columns {
        column.default_expression = column.default_expression.take().map(|text| text.replace("public.", ""));
    }
    table
}
