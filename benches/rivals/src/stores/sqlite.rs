use std::path::{Path, PathBuf};

use anyhow::Result;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, Row, params};

use crate::store::{At, Durability, Event, Placed, Rival, STORE, Store, Sum, conflict};

const SETTINGS: &str = "WAL; durable: synchronous=FULL; written: synchronous=NORMAL (a sync only \
                        at a checkpoint); mmap_size 2 GiB, cache 1 GiB; one connection that \
                        writes, one for each reader; prepared statements; UNIQUE and a look at \
                        the last version are the check";

pub fn rivals() -> [Rival; 2] {
    let rival = |name, open| Rival {
        name,
        package: "rusqlite",
        settings: SETTINGS,
        source: "https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous",
        can: STORE,
        open,
    };
    [
        rival("SQLite, by stream", |path| {
            Ok(Box::new(Sqlite::open(path, true)?))
        }),
        rival("SQLite, by position", |path| {
            Ok(Box::new(Sqlite::open(path, false)?))
        }),
    ]
}

const CLUSTERED: &str = "CREATE TABLE IF NOT EXISTS events (
    stream TEXT NOT NULL, version INTEGER NOT NULL, id BLOB NOT NULL, type TEXT NOT NULL,
    metadata BLOB NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (stream, version)) WITHOUT ROWID";
const POSITIONED: &str = "CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL, version INTEGER NOT NULL, id BLOB NOT NULL, type TEXT NOT NULL,
    metadata BLOB NOT NULL, data BLOB NOT NULL,
    UNIQUE (stream, version))";
const INSERT: &str = "INSERT INTO events (stream, version, id, type, metadata, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const LAST: &str = "SELECT max(version) FROM events WHERE stream = ?1";
const STREAM: &str = "SELECT version, id, type, metadata, data FROM events
    WHERE stream = ?1 ORDER BY version";
const ONE: &str = "SELECT version, id, type, metadata, data FROM events
    WHERE stream = ?1 AND version = ?2";
const ALL_CLUSTERED: &str = "SELECT version, id, type, metadata, data FROM events
    ORDER BY stream, version";
const ALL_POSITIONED: &str = "SELECT version, id, type, metadata, data FROM events
    ORDER BY position";

struct Sqlite {
    file: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    clustered: bool,
}

fn connect(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -1048576;",
    )?;
    Ok(connection)
}

fn touch(row: &Row<'_>, sum: &mut Sum) -> Result<()> {
    let (id, kind) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_bytes()?);
    let (metadata, data) = (row.get_ref(3)?.as_blob()?, row.get_ref(4)?.as_blob()?);
    sum.touch(
        row.get_ref(0)?.as_i64()?.unsigned_abs(),
        id,
        kind,
        metadata,
        data,
    );
    Ok(())
}

fn insert(on: &Connection, stream: &str, version: u64, event: &Event<'_>) -> rusqlite::Result<()> {
    on.prepare_cached(INSERT)?.execute(params![
        stream,
        version.cast_signed(),
        event.id,
        event.kind,
        event.metadata,
        event.data
    ])?;
    Ok(())
}

impl Sqlite {
    fn open(path: &Path, clustered: bool) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let file = path.join("events.sqlite");
        let writer = connect(&file)?;
        writer.execute_batch(if clustered { CLUSTERED } else { POSITIONED })?;
        Ok(Sqlite {
            file,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            clustered,
        })
    }

    fn read(&self, sql: &str, with: impl rusqlite::Params, sum: &mut Sum) -> Result<()> {
        let pooled = self.readers.lock().pop();
        let reader = match pooled {
            Some(reader) => reader,
            None => connect(&self.file)?,
        };
        {
            let mut statement = reader.prepare_cached(sql)?;
            let mut rows = statement.query(with)?;
            while let Some(row) = rows.next()? {
                touch(row, sum)?;
            }
        }
        self.readers.lock().push(reader);
        Ok(())
    }
}

impl Store for Sqlite {
    fn prepare(&self, durability: Durability) -> Result<()> {
        let level = match durability {
            Durability::Durable => "FULL",
            Durability::Written => "NORMAL",
        };
        self.writer
            .lock()
            .execute_batch(&format!("PRAGMA synchronous = {level}"))?;
        Ok(())
    }

    fn append(&self, at: At<'_>, events: &[Event<'_>], _: Durability) -> Result<u64> {
        let mut writer = self.writer.lock();
        let txn = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let last: Option<i64> = txn
            .prepare_cached(LAST)?
            .query_row([at.stream], |row| row.get(0))?;
        if last.unwrap_or(0).unsigned_abs() != at.version {
            return Err(conflict(&at));
        }
        for (version, event) in (at.version + 1..).zip(events) {
            match insert(&txn, at.stream, version, event) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    return Err(conflict(&at));
                }
                done => done?,
            }
        }
        let position = if self.clustered {
            0
        } else {
            txn.last_insert_rowid().unsigned_abs()
        };
        txn.commit()?;
        Ok(position)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut writer = self.writer.lock();
        let txn = writer.transaction()?;
        for placed in events {
            insert(&txn, placed.stream, placed.version, &placed.event)?;
        }
        Ok(txn.commit()?)
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        self.read(STREAM, [stream], sum)
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        self.read(
            if self.clustered {
                ALL_CLUSTERED
            } else {
                ALL_POSITIONED
            },
            [],
            sum,
        )
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        self.read(ONE, params![place.stream, place.version.cast_signed()], sum)
    }

    fn flush(&self) -> Result<()> {
        self.writer
            .lock()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
