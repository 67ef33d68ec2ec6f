using System.Net;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Tls;

/// <summary>A <c>tls://</c> address of NATS is kept to, against a server that would speak plain text too.</summary>
public sealed class NatsTlsTests
{
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Service_Connects_WhenTheCertificateIsTrusted()
    {
        using var certificate = new SelfSignedCertificate("localhost");
        await using var nats = await StartServerAsync(certificate);
        await using var api = await StartApiAsync(nats, certificate);

        await api.WaitForReadyAsync(TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = Limits.Milliseconds)]
    [InlineData("localhost", false)]
    [InlineData("another.example", true)]
    public async Task Service_StaysAway_WhenTheCertificateIsNotTrusted_OrAnothers(string name, bool trusted)
    {
        using var certificate = new SelfSignedCertificate(name);
        await using var nats = await StartServerAsync(certificate);
        await using var api = await StartApiAsync(nats, trusted ? certificate : null);

        // The client's own words. More than once: it does not try plain text next.
        await Eventually.TrueAsync(() => api.Output.Count(line => line.Contains("from Connecting to Closed", StringComparison.Ordinal)) >= 3);
        Assert.DoesNotContain(api.Output, line => line.Contains("from Connecting to Open", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = api.Address };
        using var ready = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
    }

    private static Task<NatsServer> StartServerAsync(SelfSignedCertificate certificate) => NatsServer.StartAsync(
        new NatsServerSettings { ExtraConfiguration = $"allow_non_tls: true\ntls {{ cert_file: \"{certificate.CertificateFile}\", key_file: \"{certificate.KeyFile}\" }}" },
        TestContext.Current.CancellationToken);

    private static Task<ServiceProcess> StartApiAsync(NatsServer nats, SelfSignedCertificate? trusted) => ServiceProcess.StartAsync(
        "Kgents.Api",
        new Dictionary<string, string?>
        {
            ["ConnectionStrings__nats"] = $"tls://localhost:{nats.Port}",
            ["SSL_CERT_FILE"] = trusted?.CertificateFile,
            ["Logging__LogLevel__NATS.Client.Core.NatsConnection"] = "Debug",
        },
        TestContext.Current.CancellationToken);
}
