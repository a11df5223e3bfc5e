//! Plain SQL with typed parameters whose prepared statement is kept by the connection.
//!
//! Diesel's own `sql_query` prepares anew each time, which doubles the round trips of exactly the statements that were written by hand to save some.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, HasSqlType, Integer, Json, Nullable, Text, Timestamptz, Untyped};
use uuid::Uuid;

/// One statement. It names the columns of its result: a prepared `*` fails when a migration adds one under a running process. `$1`, `$2`, ... name the parameters in the order of the calls that bind them, and may be repeated.
pub(crate) struct Sql<'a> {
    text: &'static str,
    binds: Vec<Box<dyn Bind + 'a>>,
}

/// A statement to be filled by the methods of [`Sql`].
pub(crate) fn sql<'a>(text: &'static str) -> Sql<'a> {
    Sql { text, binds: Vec::new() }
}

impl<'a> Sql<'a> {
    fn bind<ST: 'a, T>(mut self, value: T) -> Self
    where
        Pg: HasSqlType<ST>,
        T: ToSql<ST, Pg> + Send + 'a,
    {
        self.binds.push(Box::new(Typed { value, sql_type: PhantomData::<fn() -> ST> }));
        self
    }
    pub fn uuid(self, value: Uuid) -> Self {
        self.bind::<diesel::sql_types::Uuid, _>(value)
    }
    pub fn maybe_uuid(self, value: Option<Uuid>) -> Self {
        self.bind::<Nullable<diesel::sql_types::Uuid>, _>(value)
    }
    pub fn uuids(self, values: Vec<Uuid>) -> Self {
        self.bind::<Array<diesel::sql_types::Uuid>, _>(values)
    }
    pub fn text(self, value: &'a str) -> Self {
        self.bind::<Text, _>(value)
    }
    pub fn maybe_text(self, value: Option<&'a str>) -> Self {
        self.bind::<Nullable<Text>, _>(value)
    }
    pub fn texts(self, values: Vec<&'a str>) -> Self {
        self.bind::<Array<Text>, _>(values)
    }
    pub fn bytes(self, value: &'a [u8]) -> Self {
        self.bind::<Binary, _>(value)
    }
    pub fn maybe_bytes(self, value: Option<&'a [u8]>) -> Self {
        self.bind::<Nullable<Binary>, _>(value)
    }
    pub fn json(self, value: serde_json::Value) -> Self {
        self.bind::<Json, _>(value)
    }
    pub fn maybe_json(self, value: Option<serde_json::Value>) -> Self {
        self.bind::<Nullable<Json>, _>(value)
    }
    pub fn bool(self, value: bool) -> Self {
        self.bind::<Bool, _>(value)
    }
    pub fn maybe_bool(self, value: Option<bool>) -> Self {
        self.bind::<Nullable<Bool>, _>(value)
    }
    pub fn i32(self, value: i32) -> Self {
        self.bind::<Integer, _>(value)
    }
    pub fn i64(self, value: i64) -> Self {
        self.bind::<BigInt, _>(value)
    }
    pub fn maybe_i64(self, value: Option<i64>) -> Self {
        self.bind::<Nullable<BigInt>, _>(value)
    }
    pub fn f64(self, value: f64) -> Self {
        self.bind::<Double, _>(value)
    }
    pub fn maybe_time(self, value: Option<DateTime<Utc>>) -> Self {
        self.bind::<Nullable<Timestamptz>, _>(value)
    }
}

trait Bind: Send {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Typed<ST, T> {
    value: T,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, T> Bind for Typed<ST, T>
where
    Pg: HasSqlType<ST>,
    T: ToSql<ST, Pg> + Send,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(&self.value)
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Diesel numbers its placeholders in the order of appearance, so each of ours gives way to the next of its.
        let mut pieces = self.text.split('$');
        out.push_sql(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = piece[..digits].parse().unwrap_or(0);
            let bind = number.checked_sub(1).and_then(|index| self.binds.get(index));
            let Some(bind) = bind else {
                return Err(diesel::result::Error::QueryBuilderError(format!("no parameter ${number} for: {}", self.text).into()));
            };
            bind.push(&mut out)?;
            out.push_sql(&piece[digits..]);
        }
        Ok(())
    }
}

// No static id: the cache goes by the text and the types of the parameters.
impl QueryId for Sql<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = Untyped;
}
