//! Record batches → a Parquet or Arrow file.
//!
//! Texts of a dictionary column are a dictionary in Parquet as well, one for each group of rows as long
//! as it stays small (1 MB). In the Arrow file format they are written out: it has one dictionary per
//! column and file, and nobody knows it before the last batch.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

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
const GROUP_ROWS: usize = 256 * 1024;

/// A group of rows of a Parquet file has at most about so many bytes.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// A page of a column of a Parquet file ends with the rows that bring it to so many bytes. Numbers fill just as
/// many, somewhat less than a mebibyte, to which an allocator rounds them up; and to two the twice as many that are made
/// room for when they are compressed.
const PAGE_BYTES: usize = 960 * 1024;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet, zstd.
    Parquet,
    /// The Arrow IPC file format ("Feather"), zstd.
    Arrow,
}

/// A table that is being written to a file, by whoever hands rows over. Dropped before it is finished,
/// it leaves the file as it is by then.
pub struct TableFile {
    /// The table's, once it is known.
    schema: Option<SchemaRef>,
    stage: Stage,
}

enum Stage {
    /// Nothing is written yet: the schema may be unknown.
    Begun(File, Format),
    Writing(Writer, SchemaRef),
    Failed,
}

impl TableFile {
    /// Begins a table in a file that is there already; what is in it is dropped.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, format: Format) -> io::Result<TableFile> {
        let file = OpenOptions::new().write(true).truncate(true).open(path)?;
        Ok(TableFile {
            schema: None,
            stage: Stage::Begun(file, format),
        })
    }

    /// Says the table's schema, which it has without rows as well.
    pub fn begin(&mut self, schema: SchemaRef) {
        self.schema.get_or_insert(schema);
    }

    /// Adds rows. All batches have one schema.
    ///
    /// # Errors
    /// They cannot be written, or are of another schema; the file takes no more then.
    pub fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let (mut writer, schema) = self.writer(&rows.schema())?;
        if !same_columns(&rows.schema(), &schema) {
            return Err(io::Error::other("rows of another schema"));
        }
        writer.write(rows)?;
        self.stage = Stage::Writing(writer, schema);
        Ok(())
    }

    /// Writes what it has of the rows that came so far, and does not wait until that is on the disk.
    ///
    /// # Errors
    /// They cannot be written; the file takes no more then.
    pub fn flush(&mut self) -> io::Result<()> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Writing(mut writer, schema) => {
                writer.flush()?;
                Stage::Writing(writer, schema)
            }
            Stage::Failed => return Err(failed_before()),
            begun @ Stage::Begun(..) => begun,
        };
        Ok(())
    }

    /// Finishes the file, and waits until it is on the disk.
    ///
    /// # Errors
    /// Something could not be written, or [`TableFile::begin`] was not called.
    pub fn close(mut self) -> io::Result<()> {
        let schema = self.schema.clone();
        let schema = schema.ok_or_else(|| io::Error::other("a table without a schema"))?;
        self.writer(&schema)?.0.close()
    }

    /// What writes, and the schema of what it has written or is about to write: taken out, so that after
    /// an error there is none.
    fn writer(&mut self, schema: &SchemaRef) -> io::Result<(Writer, SchemaRef)> {
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Begun(file, format) => {
                Ok((Writer::new(file, format, schema)?, Arc::clone(schema)))
            }
            Stage::Writing(writer, schema) => Ok((writer, schema)),
            Stage::Failed => Err(failed_before()),
        }
    }
}

fn failed_before() -> io::Error {
    io::Error::other("failed before")
}

/// Whether tables of these schemas have the same columns, by name and type.
fn same_columns(one: &Schema, other: &Schema) -> bool {
    let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    let columns = |schema: &Schema| schema.fields().iter().map(column).collect::<Vec<_>>();
    one.fields() == other.fields() || columns(one) == columns(other)
}

enum Writer {
    /// And how many bytes of it are on their way to the disk.
    Parquet(Box<ArrowWriter<File>>, u64),
    Arrow(Box<FileWriter<BufWriter<File>>>, SchemaRef),
}

impl Writer {
    fn new(file: File, format: Format, schema: &SchemaRef) -> io::Result<Writer> {
        match format {
            Format::Parquet => {
                let properties = Some(properties(schema));
                ArrowWriter::try_new(file, Arc::clone(schema), properties)
                    .map(|writer| Writer::Parquet(Box::new(writer), 0))
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
            Writer::Parquet(writer, begun) => {
                let groups = writer.flushed_row_groups().len();
                writer.write(rows).map_err(of_parquet)?;
                if writer.flushed_row_groups().len() > groups {
                    begin_to_sync(writer, begun);
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

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Writer::Parquet(writer, begun) => {
                writer.flush().map_err(of_parquet)?;
                begin_to_sync(writer, begun);
                Ok(())
            }
            // Every batch is written as it comes (but for the last few bytes).
            Writer::Arrow(..) => Ok(()),
        }
    }

    fn close(self) -> io::Result<()> {
        match self {
            Writer::Parquet(mut writer, _) => {
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

/// Has the system begin to bring to the disk what was written behind the first `begun` bytes (but for the
/// last few, which are gathered), so that little is left for which all wait at the end. It is only asked to:
/// what becomes of it is told when the file is closed. (Linux begins to write what it is told that nobody
/// needs in the page cache; what is being written stays there all the same.)
fn begin_to_sync(writer: &ArrowWriter<File>, begun: &mut u64) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(writer.inner(), *begun, None, rustix::fs::Advice::DontNeed);
    *begun = writer.bytes_written() as u64;
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
        .set_offset_index_disabled(true)
        .set_data_page_size_limit(PAGE_BYTES);
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
