//! Certificates as the operator makes them: a CA for each Cluster, and leaves under it.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::error::Error;

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// What a leaf is for.
pub(super) enum Leaf<'a> {
    /// A server with these names.
    Server(&'a [String]),
    /// A client; `PostgreSQL` takes the common name for the role.
    Client,
}

/// A new CA for a Cluster.
pub(super) fn authority(cluster: &str, namespace: &str) -> Result<Pair, Error> {
    let key = KeyPair::generate()?;
    let certificate = authority_params(cluster, namespace)?.self_signed(&key)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// A leaf under the CA of a Cluster, of which only the key is needed: its name follows from the
/// Cluster, also in a CA that an earlier Cluster of this name left behind.
pub(super) fn leaf(
    cluster: &str,
    namespace: &str,
    ca_key: &str,
    common_name: &str,
    leaf: &Leaf<'_>,
) -> Result<Pair, Error> {
    let issuer = Issuer::new(
        authority_params(cluster, namespace)?,
        KeyPair::from_pem(ca_key)?,
    );
    let (names, usage) = match leaf {
        Leaf::Server(names) => (names.to_vec(), ExtendedKeyUsagePurpose::ServerAuth),
        Leaf::Client => (Vec::new(), ExtendedKeyUsagePurpose::ClientAuth),
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyAgreement,
    ];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok(Pair {
        certificate: params.signed_by(&key, &issuer)?.pem(),
        key: key.serialize_pem(),
    })
}

fn authority_params(cluster: &str, namespace: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cluster);
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, namespace);
    Ok(params)
}
