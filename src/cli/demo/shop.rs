//! A small shop and its traffic: orders, stock, customers that move and leave.
//!
//! Owns the schema, the statements and the count of what each must come to in the topics.

use tokio_postgres::{Client, NoTls, Statement};

use super::tally::{Sort, Tally};
use crate::config::Database;
use crate::error::{Error, Kind, Result};

const SCHEMA: &str = "
    CREATE TABLE customers (
        id bigint GENERATED ALWAYS AS IDENTITY (START 1000) PRIMARY KEY,
        email text NOT NULL, name text NOT NULL, tier text NOT NULL DEFAULT 'basic',
        profile jsonb, joined_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE products (
        sku text PRIMARY KEY, title text NOT NULL, price numeric(10,2) NOT NULL, stock integer NOT NULL, weight real);
    CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'cancelled');
    CREATE TABLE orders (
        id bigint PRIMARY KEY, customer_id bigint NOT NULL, status order_status NOT NULL DEFAULT 'new',
        total numeric(12,2) NOT NULL, note text, placed_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE order_items (
        order_id bigint, line smallint, sku text NOT NULL, quantity integer NOT NULL, gift boolean NOT NULL DEFAULT false,
        PRIMARY KEY (order_id, line));
    ALTER TABLE orders REPLICA IDENTITY FULL;";

/// Products in stock, and customers, from the start.
const PRODUCTS: u64 = 50;
const CUSTOMERS: u64 = 20_000;

fn failed(error: tokio_postgres::Error) -> Error {
    Error::new(Kind::Local, "a statement of the demo failed").caused_by(error)
}

/// The shop, open for business.
pub(super) struct Shop {
    client: Client,
    written: Tally,
    changes: u64,
    orders: u64,
    random: fastrand::Rng,
    order: Statement,
    item: Statement,
}

impl Shop {
    /// Its tables; each becomes a topic.
    pub(super) const TABLES: [&'static str; 4] = ["customers", "products", "orders", "order_items"];

    /// Makes the database and the tables, with what the shop begins with.
    pub(super) async fn open(database: &Database) -> Result<Self> {
        connect(database, "postgres").await?.batch_execute("CREATE DATABASE shop").await.map_err(failed)?;
        let client = connect(database, &database.dbname).await?;
        client.batch_execute(SCHEMA).await.map_err(failed)?;
        let order = client
            .prepare("INSERT INTO orders (id, customer_id, total, note) VALUES ($1, $2, ($3::int8 * 0.95)::numeric(12,2), $4)")
            .await
            .map_err(failed)?;
        let item = client
            .prepare("INSERT INTO order_items (order_id, line, sku, quantity, gift) VALUES ($1, $2, $3, $4, $5)")
            .await
            .map_err(failed)?;
        let random = fastrand::Rng::new();
        let mut shop = Self { client, written: Tally::default(), changes: 0, orders: 0, random, order, item };
        shop.fill().await?;
        Ok(shop)
    }

    /// Row changes so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// What the topics must hold so far.
    pub(super) fn written(&self) -> &Tally {
        &self.written
    }

    pub(super) fn close(self) -> Tally {
        self.written
    }

    /// One transaction of some sort.
    pub(super) async fn trade(&mut self) -> Result<()> {
        match self.random.u8(0..10) {
            0..=4 => self.place_order().await,
            5..=6 => {
                let sql = "UPDATE orders SET status = (ARRAY['paid','shipped']::order_status[])[1 + floor(random() * 2)::int] \
                           WHERE id = (SELECT id FROM orders ORDER BY random() LIMIT 1)";
                self.write(sql, "orders", &[Sort::Update]).await
            }
            7 => {
                let sql = "INSERT INTO customers (email, name, profile) SELECT 'c' || g || '@example.org', 'Zoë ' || g, \
                           jsonb_build_object('visits', g) FROM (SELECT floor(random() * 1e6)::int AS g) AS one";
                self.write(sql, "customers", &[Sort::Create]).await
            }
            8 => self.change_a_key_or_restock().await,
            _ => self.cancel_order().await,
        }
    }

    /// What is there before the connector.
    async fn fill(&mut self) -> Result<()> {
        let products = format!(
            "INSERT INTO products SELECT 'SKU-' || g, 'Product ' || g, g * 1.25, 1000, g / 3.0::real FROM generate_series(1, {PRODUCTS}) g"
        );
        let customers = format!(
            "INSERT INTO customers (email, name, profile) SELECT 'old' || g || '@example.org', 'Zoë ' || g, \
             jsonb_build_object('visits', g) FROM generate_series(1, {CUSTOMERS}) AS g"
        );
        for (table, sql) in [("products", products), ("customers", customers)] {
            let rows = self.client.execute(&sql, &[]).await.map_err(failed)?;
            self.written.add(table, Sort::Read, rows);
        }
        Ok(())
    }

    /// An order, its items, and the stock that they take: one transaction over three tables.
    async fn place_order(&mut self) -> Result<()> {
        self.orders += 1;
        let order = self.orders.cast_signed();
        let lines = self.random.i16(1..=4);
        let customer = self.random.i64(1000..2000);
        let total = self.random.i64(100..100_000);
        let note = self.random.bool().then_some("leave it at the \"door\"\n");
        let transaction = self.client.transaction().await.map_err(failed)?;
        transaction.execute(&self.order, &[&order, &customer, &total, &note]).await.map_err(failed)?;
        let mut stock = 0;
        for line in 1..=lines {
            let sku = format!("SKU-{}", self.random.u64(1..=PRODUCTS));
            let (quantity, gift) = (self.random.i32(1..5), self.random.bool());
            transaction.execute(&self.item, &[&order, &line, &sku, &quantity, &gift]).await.map_err(failed)?;
            let sold = "UPDATE products SET stock = stock - 1 WHERE sku = $1";
            stock += transaction.execute(sold, &[&sku]).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        let lines = u64::from(lines.unsigned_abs());
        self.written.add("orders", Sort::Create, 1);
        self.written.add("order_items", Sort::Create, lines);
        self.written.add("products", Sort::Update, stock);
        self.changes += 1 + lines + stock;
        Ok(())
    }

    /// A changed key is a delete with its tombstone, and a create.
    async fn change_a_key_or_restock(&mut self) -> Result<()> {
        if self.random.bool() {
            let moved = "UPDATE order_items SET line = line + 100 WHERE (order_id, line) = \
                         (SELECT order_id, line FROM order_items WHERE line < 100 ORDER BY order_id DESC LIMIT 1)";
            self.write(moved, "order_items", &[Sort::Delete, Sort::Tombstone, Sort::Create]).await
        } else {
            let sql = "UPDATE products SET stock = stock + 100 WHERE stock < 900";
            self.write(sql, "products", &[Sort::Update]).await
        }
    }

    async fn cancel_order(&mut self) -> Result<()> {
        let transaction = self.client.transaction().await.map_err(failed)?;
        let oldest = "DELETE FROM order_items WHERE order_id = (SELECT min(id) FROM orders)";
        let items = transaction.execute(oldest, &[]).await.map_err(failed)?;
        let oldest = "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)";
        let orders = transaction.execute(oldest, &[]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        for sort in [Sort::Delete, Sort::Tombstone] {
            self.written.add("order_items", sort, items);
            self.written.add("orders", sort, orders);
        }
        self.changes += items + orders;
        Ok(())
    }

    /// One statement, each row of which comes to these records.
    async fn write(&mut self, sql: &str, table: &str, records: &[Sort]) -> Result<()> {
        let rows = self.client.execute(sql, &[]).await.map_err(failed)?;
        for sort in records {
            self.written.add(table, *sort, rows);
        }
        self.changes += rows;
        Ok(())
    }
}

async fn connect(database: &Database, dbname: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::Config::new()
        .host(&database.host)
        .port(database.port)
        .user(&database.user)
        .dbname(dbname)
        .application_name("walcast demo")
        .connect(NoTls)
        .await
        .map_err(|error| Error::new(Kind::Local, "the throwaway server takes no connection").caused_by(error))?;
    tokio::spawn(connection);
    Ok(client)
}
