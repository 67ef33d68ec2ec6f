using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Tls;

/// <summary>A <c>tls://</c> address of NATS is kept to, against a server that would speak plain text too.</summary>
public sealed class NatsTlsTests : IDisposable
{
    private readonly TemporaryDirectory directory = TemporaryDirectory.Create();

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Service_Connects_WhenTheCertificateIsTrusted()
    {
        await using var nats = await StartServerAsync("localhost");
        await using var api = await StartApiAsync(nats, trusted: true);

        await api.WaitForReadyAsync(TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = Limits.Milliseconds)]
    [InlineData("localhost", false)]
    [InlineData("another.example", true)]
    public async Task Service_StaysAway_WhenTheCertificateIsNotTrusted_OrAnothers(string name, bool trusted)
    {
        await using var nats = await StartServerAsync(name);
        await using var api = await StartApiAsync(nats, trusted);

        // The client's own words. More than once: it does not try plain text next.
        await Eventually.TrueAsync(() => api.Output.Count(line => line.Contains("from Connecting to Closed", StringComparison.Ordinal)) >= 3);
        Assert.DoesNotContain(api.Output, line => line.Contains("from Connecting to Open", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = api.Address };
        using var ready = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
    }

    private string Certificate => Path.Combine(directory.Path, "cert.pem");

    private async Task<NatsServer> StartServerAsync(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var keyFile = Path.Combine(directory.Path, "key.pem");
        await File.WriteAllTextAsync(Certificate, certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
        return await NatsServer.StartAsync(
            new NatsServerSettings { ExtraConfiguration = $"allow_non_tls: true\ntls {{ cert_file: \"{Certificate}\", key_file: \"{keyFile}\" }}" }, TestContext.Current.CancellationToken);
    }

    private Task<ServiceProcess> StartApiAsync(NatsServer nats, bool trusted) => ServiceProcess.StartAsync(
        "Kgents.Api",
        new Dictionary<string, string?>
        {
            ["ConnectionStrings__nats"] = $"tls://localhost:{nats.Port}",
            ["SSL_CERT_FILE"] = trusted ? Certificate : null,
            ["Logging__LogLevel__NATS.Client.Core.NatsConnection"] = "Debug",
        },
        TestContext.Current.CancellationToken);
}
