//! The record schema, once: who, when, from which terminal, did which operation, with which
//! result, touching whose data. Everything that names a field names it through [`Field`].

use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};

/// Milliseconds in a civil day.
pub const DAY_MS: i64 = 86_400_000;

/// A field of the record, as policies, Python and the documentation write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Field {
    /// When: local civil time.
    Time,
    /// Staff id, or the staff name where the log has only that.
    User,
    /// Display name, when the log has both.
    UserName,
    /// 所属.
    Department,
    /// Terminal number, host name or IP address.
    Terminal,
    /// 業務名 / システム名.
    System,
    /// 操作内容, as the log writes it.
    Operation,
    /// 処理結果, normalised to `success`, `failure`, `other`.
    Result,
    /// The record touches specific personal information.
    References,
    /// Whose data: 宛名番号 and the like.
    Subject,
}

impl Field {
    /// Every field, in schema order.
    pub const ALL: [Field; 10] = [
        Field::Time,
        Field::User,
        Field::UserName,
        Field::Department,
        Field::Terminal,
        Field::System,
        Field::Operation,
        Field::Result,
        Field::References,
        Field::Subject,
    ];

    /// The name used in policies, in Arrow schemas and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Time => "time",
            Field::User => "user",
            Field::UserName => "user_name",
            Field::Department => "department",
            Field::Terminal => "terminal",
            Field::System => "system",
            Field::Operation => "operation",
            Field::Result => "result",
            Field::References => "references",
            Field::Subject => "subject",
        }
    }

    /// What people call it in Japanese.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Field::Time => "日時",
            Field::User => "職員番号",
            Field::UserName => "職員名",
            Field::Department => "所属",
            Field::Terminal => "端末",
            Field::System => "業務",
            Field::Operation => "操作",
            Field::Result => "処理結果",
            Field::References => "個人番号参照",
            Field::Subject => "宛名番号",
        }
    }

    /// The field of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Whether the field holds free text (and so can be tested by text predicates).
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Field::Time | Field::Result | Field::References)
    }
}

/// The Arrow type of dictionary-encoded text in every table Yokome returns.
#[must_use]
pub fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}

/// The Arrow type of every time in the house: local civil milliseconds, no zone.
#[must_use]
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

/// The Arrow type of a field.
#[must_use]
pub fn field_type(field: Field) -> DataType {
    match field {
        Field::Time => timestamp_type(),
        Field::References => DataType::Boolean,
        Field::Subject => DataType::Utf8,
        _ => dictionary_type(),
    }
}

/// The record schema: the fields of [`Field::ALL`], then `source`, `line`, `offset`.
#[must_use]
pub fn record_schema() -> SchemaRef {
    let mut fields: Vec<ArrowField> = Field::ALL
        .iter()
        .map(|&f| ArrowField::new(f.name(), field_type(f), f != Field::Time))
        .collect();
    fields.push(ArrowField::new("source", dictionary_type(), false));
    fields.push(ArrowField::new("line", DataType::UInt64, false));
    fields.push(ArrowField::new("offset", DataType::UInt64, true));
    Arc::new(Schema::new(fields))
}

/// The normalised result of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// The operation succeeded.
    Success = 1,
    /// The operation failed or was denied.
    Failure = 2,
    /// Any other word.
    Other = 3,
}

impl Outcome {
    /// Every outcome; the position plus one is its code in a block.
    pub const ALL: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Other];

    /// The word used in policies and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Other => "other",
        }
    }

    /// What people call it in Japanese.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Outcome::Success => "成功",
            Outcome::Failure => "失敗",
            Outcome::Other => "その他",
        }
    }
}
