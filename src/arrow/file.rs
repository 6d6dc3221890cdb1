//! Record batches → a Parquet or Arrow file, by a thread of its own: whoever hands them over goes
//! on meanwhile.
//!
//! Texts of a dictionary column are a dictionary in Parquet as well, one for each group of rows as long
//! as it stays small (1 MB). In the Arrow file format they are written out: it has one dictionary per
//! column and file, and nobody knows it before the last batch.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::record;

/// A group of rows of a Parquet file has at most so many.
const GROUP_ROWS: usize = 128 * 1024;

/// A group of rows of a Parquet file has at most about so many bytes.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Batches that may wait to be written; then whoever hands over the next one waits.
const WAITING: usize = 2;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet, zstd.
    Parquet,
    /// The Arrow IPC file format ("Feather"), zstd.
    Arrow,
}

/// A table that is being written to a file. Dropped before it is finished, it ends its thread and
/// leaves the file as it is by then.
pub struct TableFile {
    /// The table's, once it is known.
    schema: Option<SchemaRef>,
    /// None: no more batches come, or the thread has ended with an error, which was told.
    batches: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

enum Message {
    Rows(RecordBatch),
    End(SchemaRef),
}

impl TableFile {
    /// Begins a table in a file that is there already; what is in it is dropped.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread not be started.
    pub fn open(path: &Path, format: Format) -> io::Result<TableFile> {
        let file = OpenOptions::new().write(true).truncate(true).open(path)?;
        let (batches, taken) = sync_channel(WAITING);
        let work = move || write_all(file, format, &taken);
        let thread = thread::Builder::new()
            .name("yokome-write".to_owned())
            .spawn(work)?;
        Ok(TableFile {
            schema: None,
            batches: Some(batches),
            thread: Some(thread),
        })
    }

    /// Says the table's schema, which it has without rows as well.
    pub fn begin(&mut self, schema: SchemaRef) {
        self.schema.get_or_insert(schema);
    }

    /// Adds rows. All batches have one schema.
    ///
    /// # Errors
    /// Rows that were added before could not be written; the file takes no more then.
    pub fn write(&mut self, rows: RecordBatch) -> io::Result<()> {
        self.send(Message::Rows(rows))
    }

    /// Finishes the file, and waits until it is on the disk.
    ///
    /// # Errors
    /// Something could not be written, or [`TableFile::begin`] was not called.
    pub fn close(mut self) -> io::Result<()> {
        let schema = self.schema.clone();
        let schema = schema.ok_or_else(|| io::Error::other("a table without a schema"))?;
        self.send(Message::End(schema))?;
        self.end()
    }

    fn send(&mut self, message: Message) -> io::Result<()> {
        match &self.batches {
            Some(batches) if batches.send(message).is_ok() => Ok(()),
            // The thread ends before its time only by an error.
            _ => self
                .end()
                .and_then(|()| Err(io::Error::other("failed before"))),
        }
    }

    /// Waits until the thread ends.
    fn end(&mut self) -> io::Result<()> {
        self.batches = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(done)) => done,
            // What it was is on standard error.
            Some(Err(_)) => Err(io::Error::other("the thread that writes failed")),
        }
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // What becomes of a file that nobody finishes is of no interest.
            let _ = thread.join();
        }
    }
}

/// Writes what comes until the end; without an end, the file stays unfinished.
fn write_all(file: File, format: Format, batches: &Receiver<Message>) -> io::Result<()> {
    let Ok(mut message) = batches.recv() else {
        return Ok(());
    };
    let schema = match &message {
        Message::Rows(rows) => rows.schema(),
        Message::End(schema) => Arc::clone(schema),
    };
    let mut writer = Writer::new(file, format, &schema)?;
    loop {
        match message {
            Message::Rows(rows) => {
                if !same_columns(&rows.schema(), &schema) {
                    return Err(io::Error::other("rows of another schema"));
                }
                writer.write(&rows)?;
            }
            Message::End(_) => return writer.close(),
        }
        let Ok(next) = batches.recv() else {
            return Ok(());
        };
        message = next;
    }
}

/// Whether tables of these schemas have the same columns, by name and type.
fn same_columns(one: &Schema, other: &Schema) -> bool {
    let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    let columns = |schema: &Schema| schema.fields().iter().map(column).collect::<Vec<_>>();
    one.fields() == other.fields() || columns(one) == columns(other)
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<FileWriter<BufWriter<File>>>, SchemaRef),
}

impl Writer {
    fn new(file: File, format: Format, schema: &SchemaRef) -> io::Result<Writer> {
        match format {
            Format::Parquet => {
                let properties = Some(properties(schema));
                ArrowWriter::try_new(file, Arc::clone(schema), properties)
                    .map(|writer| Writer::Parquet(Box::new(writer)))
                    .map_err(of_parquet)
            }
            Format::Arrow => {
                let schema = Arc::new(written_out(schema));
                IpcWriteOptions::default()
                    .try_with_compression(Some(CompressionType::ZSTD))
                    .and_then(|options| {
                        let file = BufWriter::new(file);
                        FileWriter::try_new_with_options(file, &schema, options)
                    })
                    .map(|writer| Writer::Arrow(Box::new(writer), schema))
                    .map_err(of_arrow)
            }
        }
    }

    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        match self {
            Writer::Parquet(writer) => {
                let groups = writer.flushed_row_groups().len();
                writer.write(rows).map_err(of_parquet)?;
                if writer.flushed_row_groups().len() > groups {
                    // (So that little is left for which all wait at the end.)
                    writer.inner().sync_data()?;
                }
                Ok(())
            }
            Writer::Arrow(writer, schema) => {
                let columns = rows.columns().iter().zip(schema.fields());
                columns
                    .map(|(column, field)| arrow_cast::cast(column, field.data_type()))
                    .collect::<Result<_, _>>()
                    .and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns))
                    .and_then(|rows| writer.write(&rows))
                    .map_err(of_arrow)
            }
        }
    }

    fn close(self) -> io::Result<()> {
        match self {
            Writer::Parquet(mut writer) => {
                writer.finish().map_err(of_parquet)?;
                writer.inner().sync_all()
            }
            Writer::Arrow(mut writer, _) => {
                writer.finish().map_err(of_arrow)?;
                writer.get_mut().flush()?;
                writer.get_ref().get_ref().sync_all()
            }
        }
    }
}

/// How a table is written to Parquet.
fn properties(schema: &Schema) -> WriterProperties {
    let level = ZstdLevel::default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for field in schema.fields() {
        let column = || ColumnPath::new(vec![field.name().clone()]);
        let coded = matches!(field.data_type(), DataType::Dictionary(..));
        // What repeats has a dictionary already; of other columns one is made for nothing. (Subjects
        // have one in Arrow, and repeat little.)
        if coded && field.name() != record::Field::Subject.name() {
            properties = properties.set_column_dictionary_enabled(column(), true);
        }
        // The least and the greatest text of a group tell a reader nothing: rows come by time, so
        // that every group has users, subjects and records from one end to the other.
        if coded || *field.data_type() == DataType::Utf8 {
            properties =
                properties.set_column_statistics_enabled(column(), EnabledStatistics::None);
        }
    }
    properties.build()
}

/// The schema with plain columns instead of dictionaries.
fn written_out(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let plain = match field.data_type() {
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        };
        Field::new(field.name(), plain, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn of_parquet(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn of_arrow(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}
