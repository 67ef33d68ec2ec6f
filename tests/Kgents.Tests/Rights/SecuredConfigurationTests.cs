using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Rights;

/// <summary>The shipped configuration with users: a server starts with it, and not without a password for each.</summary>
public sealed class SecuredConfigurationTests
{
    private static readonly string Secured = Path.Combine(Repository.Root, "deploy", "nats", "secured.conf");
    private readonly Dictionary<string, string> passwords = new(new NatsUsers().Environment);

    [Fact(Timeout = Limits.Test)]
    public async Task Server_TakesIt_WhenEachUserHasAPassword() => Assert.True((await CheckAsync()).IsValid);

    [Theory(Timeout = Limits.Test)]
    [InlineData("KGENTS_NATS_API")]
    [InlineData("KGENTS_NATS_STREAMING")]
    [InlineData("KGENTS_NATS_METERING")]
    [InlineData("KGENTS_NATS_OPERATOR")]
    public async Task Server_RefusesItByName_WhenAPasswordIsMissing(string variable)
    {
        passwords.Remove(variable);

        var (isValid, text) = await CheckAsync();

        Assert.False(isValid);
        Assert.Contains(variable, text, StringComparison.Ordinal);
    }

    /// <summary>As users.conf says: the server takes it for a number.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("12345", false)]
    [InlineData("\"12345\"", true)]
    [InlineData("k12345", true)]
    [InlineData("$2a$11$lGm6YRbfNXwoAXzFDrgSXO3hGfv0vTMmLMpfnpSiKlVdRu0ByWJLW", true)]
    public async Task Server_TakesAPassword_WhenItIsText(string password, bool isText)
    {
        passwords["KGENTS_NATS_API"] = password;

        Assert.Equal(isText, (await CheckAsync()).IsValid);
    }

    private Task<(bool IsValid, string Text)> CheckAsync() => NatsConfiguration.CheckAsync(Secured, passwords, TestContext.Current.CancellationToken);
}
