//! What `pg_dump` wrote, read to its end: whether it is whole, and what it holds of an installation.
//!
//! A plain script is read as it is. `pg_restore` makes one of an archive, without a server.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
};

use super::schema::{self, SchemaFacts};

/// Why a dump cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum DumpFault {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no dump.
    #[error("is neither a backup of SQLite nor a dump of PostgreSQL")]
    NoDump,
    /// The end is missing.
    #[error("is cut short: the last line of a whole dump is not there")]
    CutShort,
    /// `pg_restore` cannot be run.
    #[error("is an archive of pg_dump, and pg_restore, which reads it, cannot be run: {0}")]
    NoPgRestore(#[source] io::Error),
    /// `pg_restore` refuses it.
    #[error("is damaged or cut short: {0}")]
    Refused(String),
    /// It is of another program's database, or was made of a part of it.
    #[error("does not hold the table {0}: dump the whole database, with data and in COPY form")]
    Lacks(String),
}

/// What a dump holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// How many rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// The values of `settings`.
    pub settings: BTreeMap<String, String>,
    /// The numbers of the applied migrations.
    pub applied: Vec<i64>,
}

impl Dump {
    /// What is known of its schema.
    pub fn schema(&self) -> SchemaFacts {
        SchemaFacts::new(self.applied.clone(), &self.settings)
    }
}

/// The beginning of an archive, `--format=custom`.
const ARCHIVE: &[u8] = b"PGDMP";

/// Whether it is an archive, which `pg_restore` restores; else a script, for `psql`.
pub fn is_archive(path: &Path) -> io::Result<bool> {
    if path.is_dir() {
        return Ok(true);
    }
    let mut head = Vec::new();
    File::open(path)?.take(5).read_to_end(&mut head)?;
    Ok(head == ARCHIVE)
}

/// Reads a dump to its end.
pub fn read(path: &Path) -> Result<Dump, DumpFault> {
    if !is_archive(path)? {
        return read_script(BufReader::new(File::open(path)?));
    }
    let mut restore = Command::new("pg_restore");
    restore.arg("--file=-").arg("--").arg(std::path::absolute(path)?);
    let mut child = restore
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(DumpFault::NoPgRestore)?;
    let read = match child.stdout.take() {
        Some(output) => read_script(BufReader::new(output)),
        None => Err(DumpFault::NoDump),
    };
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().next().unwrap_or("pg_restore fails").trim_start_matches("pg_restore: ");
        return Err(DumpFault::Refused(reason.trim_start_matches("error: ").to_owned()));
    }
    read
}

/// Reads a script of `pg_dump` to its end.
fn read_script(mut from: impl BufRead) -> Result<Dump, DumpFault> {
    let mut dump = Dump::default();
    let mut line = Vec::new();
    let (mut begun, mut complete) = (false, false);
    // The table whose rows follow, and its columns.
    let mut rows_of: Option<(String, Vec<String>)> = None;
    while from.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match &rows_of {
            Some(_) if text == b"\\." => rows_of = None,
            Some((table, columns)) => {
                *dump.rows.entry(table.clone()).or_default() += 1;
                dump.keep(table, columns, text);
            }
            None if text.starts_with(b"-- PostgreSQL database dump complete") => complete = true,
            None if text.starts_with(b"-- PostgreSQL database dump") => begun = true,
            None => {
                rows_of = std::str::from_utf8(text).ok().and_then(copied_table);
                if let Some((table, _)) = &rows_of {
                    dump.rows.entry(table.clone()).or_default();
                }
                // A file of another kind is not read to its end.
                let may_begin = text.is_empty() || text.starts_with(b"--") || text.starts_with(b"\\");
                if !begun && !may_begin {
                    return Err(DumpFault::NoDump);
                }
            }
        }
        line.clear();
    }
    match (begun, complete && rows_of.is_none()) {
        (false, _) => Err(DumpFault::NoDump),
        (true, false) => Err(DumpFault::CutShort),
        (true, true) => {
            match schema::tables_after(&dump.applied).into_iter().find(|table| !dump.rows.contains_key(table))
            {
                Some(lacking) => Err(DumpFault::Lacks(lacking)),
                None if dump.applied.is_empty() => Err(DumpFault::Lacks("_sqlx_migrations".to_owned())),
                None => Ok(dump),
            }
        }
    }
}

/// The table and the columns of `COPY public.x (a, b) FROM stdin;`.
fn copied_table(line: &str) -> Option<(String, Vec<String>)> {
    let (table, rest) = line.strip_prefix("COPY ")?.split_once(" (")?;
    let columns = rest.strip_suffix(") FROM stdin;")?;
    let plain = |name: &str| name.trim_matches('"').to_owned();
    Some((plain(table.rsplit('.').next()?), columns.split(", ").map(plain).collect()))
}

impl Dump {
    /// Keeps what is needed of a row.
    fn keep(&mut self, table: &str, columns: &[String], row: &[u8]) {
        if !matches!(table, "settings" | "_sqlx_migrations") {
            return;
        }
        let Ok(row) = std::str::from_utf8(row) else { return };
        let values: BTreeMap<&str, String> =
            columns.iter().map(String::as_str).zip(row.split('\t').map(unescaped)).collect();
        let value = |name: &str| values.get(name).cloned().unwrap_or_default();
        if table == "settings" {
            self.settings.insert(value("name"), value("value"));
        } else if value("success") == "t"
            && let Ok(version) = value("version").parse()
        {
            self.applied.push(version);
        }
    }
}

/// A value in the text form of COPY.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.push(match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            }),
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET x = 1;\n";
    const MIGRATION: &str = "COPY public._sqlx_migrations (version, success) FROM stdin;\n1\tt\n2\tf\n\\.\n";
    const END: &str = "--\n-- PostgreSQL database dump complete\n--\n";

    fn of(text: &str) -> Result<Dump, String> {
        read_script(text.as_bytes()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_whole_dump_is_told_from_a_part_of_one() {
        let mut tables = String::new();
        for table in schema::tables_after(&[1]) {
            let row = if table == "settings" { "a\\tb\tx\\\\y\n" } else { "" };
            tables += &format!("COPY public.{table} (name, \"value\") FROM stdin;\n{row}\\.\n");
        }
        let whole = format!("{HEAD}{tables}{MIGRATION}{END}");
        let dump = of(&whole).unwrap();
        assert_eq!((dump.applied, dump.rows["settings"], dump.rows["api_keys"]), (vec![1], 1, 0));
        assert_eq!(dump.settings["a\tb"], "x\\y");
        let refused = |text: &str| of(text).unwrap_err();
        assert!(refused(&whole[..whole.len() - 30]).contains("cut short"));
        assert!(refused(&whole[..HEAD.len() + tables.len() - 2]).contains("cut short"));
        assert!(refused(&format!("{HEAD}{END}")).contains("_sqlx_migrations"));
        let without = whole.replace("COPY public.api_keys ", "COPY public.other ");
        assert!(refused(&without).contains("does not hold the table api_keys"));
        for other in ["", "SQLite format 3\0", "hello\n", "PK\u{3}\u{4}"] {
            assert!(refused(other).contains("neither a backup"), "{other}");
        }
    }
}
