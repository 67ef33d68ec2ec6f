namespace Kgents.Testing;

/// <summary>A server's temporary directory: configuration, store and log.</summary>
internal sealed class NatsServerFiles(string? store, bool inMemory) : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kgents-nats-");
    private readonly DirectoryInfo? _memory = inMemory && store is null ? MemoryDirectory.TryCreate() : null;

    public string Root => _directory.FullName;

    public string Configuration => Path.Combine(Root, "server.conf");

    public string Log => Path.Combine(Root, "nats.log");

    public string Users => Path.Combine(Root, "users.conf");

    public string Store => store ?? Path.Combine(_memory?.FullName ?? Root, "store");

    public Task WriteConfigurationAsync(NatsServerSettings settings, CancellationToken cancellationToken)
    {
        var configuration = settings.Shipped is { } shipped ? Around(shipped) : Usual(settings);
        var trace = settings.Trace ? "trace: true\nmax_traced_msg_len: 1" : "";
        return File.WriteAllTextAsync(Configuration, $"{configuration}\n{trace}\n{settings.ExtraConfiguration}\n", cancellationToken);
    }

    /// <summary>The shipped file as it is; after it only what would meet another server on this machine.</summary>
    private string Around(string shipped)
    {
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(NatsUsers.File)!, "*.conf"))
        {
            File.Copy(file, Path.Combine(Root, Path.GetFileName(file)));
        }

        return $"include {shipped}\nlisten: \"127.0.0.1:-1\"\nhttp: \"127.0.0.1:-1\"";
    }

    private string Usual(NatsServerSettings settings)
    {
        // The limits are far above any disk: a test that asks for a stream's real size must not depend on the machine.
        var jetStream = !settings.JetStream
            ? ""
            : $"""
            jetstream {"{"}
              store_dir: "{Store}"
              sync_interval: {settings.SyncInterval}
              max_memory_store: 1GB
              max_file_store: {settings.Room}
            {"}"}
            """;
        var users = settings.Users is null ? "" : $"include {Path.GetFileName(Users)}";
        if (settings.Users is not null)
        {
            File.Copy(NatsUsers.File, Users);
        }

        return $"listen: \"127.0.0.1:-1\"\n{jetStream}\n{users}";
    }

    public async Task<IReadOnlyList<string>> ReadLogAsync(CancellationToken cancellationToken) =>
        File.Exists(Log) ? await File.ReadAllLinesAsync(Log, cancellationToken) : [];

    public void Dispose()
    {
        try
        {
            _directory.Delete(recursive: true);
        }
        finally
        {
            _memory?.Delete(recursive: true);
        }
    }
}
