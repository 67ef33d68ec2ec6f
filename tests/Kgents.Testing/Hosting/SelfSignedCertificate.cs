using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kgents.Testing;

/// <summary>A certificate for one host name, which is its own CA, as the two files that servers read; they end with it.</summary>
public sealed class SelfSignedCertificate : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kgents-tls-");

    public SelfSignedCertificate(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    public string CertificateFile => Path.Combine(_directory.FullName, "cert.pem");

    public string KeyFile => Path.Combine(_directory.FullName, "key.pem");

    public void Dispose() => _directory.Delete(recursive: true);
}
