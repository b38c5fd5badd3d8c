//! What a schema consists of: attributes and their characteristics (RFC 7643 §2.2, §7).

/// A schema: a set of attributes with a URN (RFC 7643 §7).
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its human-readable name.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute with this name, ignoring case (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// §2.3.1
    String,
    /// §2.3.2
    Boolean,
    /// §2.3.5: xs:dateTime.
    DateTime,
    /// §2.3.6: base64.
    Binary,
    /// §2.3.7: a URI.
    Reference,
    /// §2.3.8: sub-attributes.
    Complex,
}

impl Type {
    /// As `/Schemas` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may write an attribute, and when (RFC 7643 §7, `mutability`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Only the server writes it.
    ReadOnly,
    /// Clients may write it at any time.
    ReadWrite,
    /// Clients may set it once.
    Immutable,
    /// Clients may write it, and it is never returned.
    WriteOnly,
}

impl Mutability {
    /// As `/Schemas` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

/// When an attribute is in a response (RFC 7643 §7, `returned`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Always, whatever is requested.
    Always,
    /// Never, and it cannot be used in filters.
    Never,
    /// Unless it is excluded, or only others are requested.
    Default,
}

impl Returned {
    /// As `/Schemas` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
        }
    }
}

/// One attribute and its characteristics (RFC 7643 §2.2, §7).
#[derive(Debug)]
pub struct Attribute {
    /// Its name, in canonical spelling.
    pub name: &'static str,
    /// Its data type.
    pub kind: Type,
    /// Whether it is multi-valued.
    pub multi_valued: bool,
    /// Its description.
    pub description: &'static str,
    /// Whether a resource must have it.
    pub required: bool,
    /// Canonical values. Others are accepted too.
    pub canonical_values: &'static [&'static str],
    /// Whether comparisons are case-sensitive.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is in a response.
    pub returned: Returned,
    /// Whether it is unique within the directory.
    pub unique: bool,
    /// What a reference may refer to.
    pub reference_types: &'static [&'static str],
    /// The sub-attributes of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// The sub-attribute with this name, ignoring case.
    pub fn sub_attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Whether only the server writes it.
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }

    pub(super) const fn new(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            description,
            required: false,
            canonical_values: &[],
            case_exact: matches!(kind, Type::Reference | Type::Binary | Type::DateTime),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            unique: false,
            reference_types: &[],
            sub_attributes: &[],
        }
    }

    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::String, description)
    }

    pub(super) const fn complex(
        name: &'static str,
        sub_attributes: &'static [Self],
        description: &'static str,
    ) -> Self {
        Self { sub_attributes, ..Self::new(name, Type::Complex, description) }
    }

    pub(super) const fn several(
        name: &'static str,
        sub_attributes: &'static [Self],
        description: &'static str,
    ) -> Self {
        Self { multi_valued: true, ..Self::complex(name, sub_attributes, description) }
    }

    pub(super) const fn reference(
        name: &'static str,
        to: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        Self { reference_types: to, ..Self::new(name, Type::Reference, description) }
    }

    pub(super) const fn kind_of(canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..Self::text("type", "What this value is for.") }
    }

    pub(super) const fn with(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    pub(super) const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    pub(super) const fn returned(self, returned: Returned) -> Self {
        Self { returned, ..self }
    }
}

/// Finds an attribute by its name, ignoring case.
pub(super) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
