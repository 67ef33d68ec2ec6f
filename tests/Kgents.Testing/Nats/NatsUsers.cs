namespace Kgents.Testing;

/// <summary>The users of <c>deploy/nats/users.conf</c>, each with a password of this test's.</summary>
public sealed class NatsUsers
{
    public const string Api = "api";
    public const string Streaming = "streaming";
    public const string Metering = "metering";
    public const string Operator = "operator";

    private readonly Dictionary<string, string> _passwords =
        new[] { Api, Streaming, Metering, Operator }.ToDictionary(user => user, _ => $"k{Guid.NewGuid():n}");

    /// <summary>What is shipped.</summary>
    public static string File { get; } = Path.Combine(Repository.Root, "deploy", "nats", "users.conf");

    public IReadOnlyCollection<string> Passwords => _passwords.Values;

    /// <summary>Where the file takes the passwords from.</summary>
    public IReadOnlyDictionary<string, string> Environment =>
        _passwords.ToDictionary(user => $"KGENTS_NATS_{user.Key.ToUpperInvariant()}", user => user.Value);

    /// <summary>By TLS and nothing else, at the name that a test's certificate is for.</summary>
    public string TlsUrlOf(string user, int port) => $"tls://{user}:{_passwords[user]}@localhost:{port}";

    public string UrlOf(string user, int port) => $"nats://{user}:{_passwords[user]}@127.0.0.1:{port}";
}
