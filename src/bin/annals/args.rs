//! The words of the command line.

use crate::query::QueryArgs;
use annals::{Durability, Options, Uuid};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// An embedded event store, on the command line.
///
/// A store is a directory. Data goes to stdout, talk to stderr. The exit
/// status is 0, 1 (the store or the data is at fault) or 2 (usage).
#[derive(Debug, Parser)]
#[command(name = "annals", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Import(ImportArgs),
    Append(AppendArgs),
    Export(ExportArgs),
    Explain(ExplainArgs),
    Read(ReadArgs),
    Streams(StreamsArgs),
    Stat(StatArgs),
    Tail(TailArgs),
    Trace(TraceArgs),
    Verify(VerifyArgs),
    /// Make a damaged store one that opens again; keeps what it removes
    Repair(VerifyArgs),
}

/// Records the events of JSON lines, plain or gzip
///
/// A line is {"stream": ..., "type": ..., "data": ...}, where the data is any
/// JSON (or "data64": bytes in base64), with optional "time" (RFC 3339 or
/// null), "id", "metadata" (or "metadata64"), "tags", "schema", "correlation"
/// and "causation". A line that is an array of such objects is one atomic
/// append. The JSON text of data and metadata is kept as it is written.
/// "position", "version" and "recorded" are ignored unless --restore is given.
/// Blank lines are skipped. Second 60 of a leap second counts as second 59.
///
/// A bad line stops the import; what came before it is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The store's directory; made if it is missing or empty
    pub(crate) store: PathBuf,
    /// The files, recorded one after the other; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Make an empty store what the exported one was: recorded times are taken
    /// over, positions and versions are checked
    #[arg(long)]
    pub(crate) restore: bool,
    /// How safe each append is made; whatever it is, everything is made
    /// durable at the end
    #[arg(long, value_enum, default_value_t = Safety::Written)]
    pub(crate) durability: Safety,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    #[command(flatten)]
    pub(crate) segments: SegmentArgs,
}

/// Records events from stdin, one durable append a line
///
/// Takes the lines that `import` takes. For each, as soon as it is durable,
/// {"first":P,"last":P} is written to stdout: the positions of its events, with
/// "repeat":true if they were there already.
/// A bad line stops it; what came before is acknowledged first.
#[derive(Debug, clap::Args)]
pub(crate) struct AppendArgs {
    /// The store's directory; made if it is missing or empty
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    #[command(flatten)]
    pub(crate) segments: SegmentArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IdArgs {
    /// Keep ids unique: a line that is in the store already, with its "id" and
    /// all, adds nothing; an id that is taken by anything else is an error.
    /// Lines without an "id" get a new one and are always new. The first time
    /// all of the store is read
    #[arg(long)]
    pub(crate) unique_ids: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SegmentArgs {
    /// The size that segment files grow to: bytes, or with KiB, MiB or GiB;
    /// 1 KiB to 1 GiB, and 64 MiB unless set
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) segment_size: Option<u64>,
}

/// Writes events as JSON lines, in global order
///
/// Everything, unless narrowed: by stream, category, types, tags and versions,
/// all of which an event must match. `--or` begins an alternative, of which an
/// event must match one:
///
///     annals export STORE --type Paid --tag customer:7 --or --stream orders/42
///
/// Bounds, direction and limit hold for all alternatives together.
///
/// Bytes that are not one line of JSON text stand under "data64" (or
/// "metadata64"), in base64. `import --restore` makes the same store of it.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) query: QueryArgs,
    /// One array for each atomic append, of its events that match
    #[arg(long, conflicts_with = "backward")]
    pub(crate) appends: bool,
}

/// Says how a query would be served: from the index, or by a scan
///
/// Takes the query that `export` takes, and reads nothing for it but the
/// index. Of each alternative it says the terms with the number of their
/// postings between the bounds, which of them leads, and about how many events
/// are to be read.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) query: QueryArgs,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows the events of one stream
///
/// The time is that of happening; where none was given, that of recording
/// stands in parentheses.
#[derive(Debug, clap::Args)]
pub(crate) struct ReadArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    /// The stream's name
    pub(crate) stream: String,
    /// The newest event first
    #[arg(long)]
    pub(crate) backward: bool,
    /// The version to begin at
    #[arg(long, value_name = "VERSION")]
    pub(crate) from: Option<u64>,
    /// At most this many events
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// The lines that `export` writes
    #[arg(long)]
    pub(crate) json: bool,
}

/// Lists the streams, in the order in which they began
///
/// For each its version, the times of its first and last event, and its name.
/// The times are those of happening; where none was given, that of recording
/// stands in parentheses.
#[derive(Debug, clap::Args)]
pub(crate) struct StreamsArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    /// Only streams of this category (the name up to its first `/`)
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Says how much is in a store
#[derive(Debug, clap::Args)]
pub(crate) struct StatArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows the last events
#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    /// Go on with the events that another process writes
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many events to begin with
    #[arg(short = 'n', long = "events", value_name = "N", default_value_t = 10)]
    pub(crate) events: u64,
    /// The lines that `export` writes
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows what an event was caused by, and what followed from it
///
/// The tree begins with the first cause that the store has; effects stand
/// indented under their cause, each with its position, type, stream and
/// version, time, and who did it and why, where the metadata says so. Reads
/// the whole store.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
    /// The event's id
    pub(crate) id: Uuid,
    /// The lines that `export` writes, effects after their cause
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads everything and checks every checksum, position, version and index
///
/// Says what it read, and of each fault where it is and what it is.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The store's directory
    pub(crate) store: PathBuf,
}

/// `Durability`, as said on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Safety {
    /// In this process's memory
    Buffered,
    /// Handed to the operating system
    Written,
    /// Synced to the medium
    Durable,
}

impl From<Safety> for Durability {
    fn from(safety: Safety) -> Self {
        match safety {
            Safety::Buffered => Durability::Buffered,
            Safety::Written => Durability::Written,
            Safety::Durable => Durability::Durable,
        }
    }
}

/// The size of a segment in bytes, as people write it.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("a size is a number, alone or with KiB, MiB or GiB".into()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a size begins with a whole number")?;
    number
        .checked_mul(factor)
        .filter(|size| (Options::MIN_SEGMENT_SIZE..=Options::MAX_SEGMENT_SIZE).contains(size))
        .ok_or_else(|| "a segment has 1 KiB to 1 GiB".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("2 MiB"), Ok(2_097_152));
        for bad in [
            "",
            "KiB",
            "-1",
            "1kB",
            "1.5MiB",
            "99999999999GiB",
            "1023",
            "2GiB",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
