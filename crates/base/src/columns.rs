//! How ids, times and digests are stored in columns of SQLite and PostgreSQL: ids as TEXT, times as BIGINT
//! milliseconds, digests as hexadecimal TEXT.

use sqlx::{Decode, Encode, Postgres, Sqlite, Type, encode::IsNull, error::BoxDynError};

use super::{
    connection_id::ConnectionId,
    id::{Id, IdKind},
    secret::Digest,
    time::Timestamp,
};

macro_rules! column {
    ($database:ident, $value:ty, $stored:ty, [$($generics:tt)*], |$this:ident| $write:expr, |$text:ident| $read:expr) => {
        impl<$($generics)*> Type<$database> for $value {
            fn type_info() -> <$database as sqlx::Database>::TypeInfo {
                <$stored as Type<$database>>::type_info()
            }
            fn compatible(info: &<$database as sqlx::Database>::TypeInfo) -> bool {
                <$stored as Type<$database>>::compatible(info)
            }
        }
        impl<'q, $($generics)*> Encode<'q, $database> for $value {
            fn encode_by_ref(
                &self,
                buffer: &mut <$database as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                let $this = self;
                <$stored as Encode<'q, $database>>::encode($write, buffer)
            }
        }
        impl<'r, $($generics)*> Decode<'r, $database> for $value {
            fn decode(value: <$database as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let $text = <$stored as Decode<'r, $database>>::decode(value)?;
                $read
            }
        }
    };
}

column!(Sqlite, Id<K>, String, [K: IdKind], |id| id.to_string(), |text| Ok(text.parse()?));
column!(Postgres, Id<K>, String, [K: IdKind], |id| id.to_string(), |text| Ok(text.parse()?));
column!(Sqlite, ConnectionId, String, [], |id| id.to_string(), |text| Ok(text.parse()?));
column!(Postgres, ConnectionId, String, [], |id| id.to_string(), |text| Ok(text.parse()?));
column!(Sqlite, Timestamp, i64, [], |time| time.millis(), |millis| Ok(Self::from_millis(millis)));
column!(Postgres, Timestamp, i64, [], |time| time.millis(), |millis| Ok(Self::from_millis(millis)));
column!(Sqlite, Digest, String, [], |digest| digest.to_hex(), |hex| Ok(
    Self::from_hex(&hex).ok_or("no digest")?
));
column!(Postgres, Digest, String, [], |digest| digest.to_hex(), |hex| Ok(
    Self::from_hex(&hex).ok_or("no digest")?
));
