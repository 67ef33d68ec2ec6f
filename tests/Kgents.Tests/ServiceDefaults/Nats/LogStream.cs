using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>A client of a stream <c>LOG</c> on <c>log.&gt;</c>: what a service uses.</summary>
internal sealed class LogStream : IAsyncDisposable
{
    /// <summary>Nothing is lost on the way, however slow the machine is.</summary>
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(60);

    /// <summary>For who loses answers: a test waits for as long as this, and what is late counts as lost.</summary>
    public static readonly TimeSpan Impatient = TimeSpan.FromMilliseconds(400);

    public const string Name = "LOG";
    private const string WriterHeader = "Writer";

    private readonly NatsConnection connection;
    private readonly ILoggerFactory logging;

    public LogStream(string url)
        : this(url, Patient)
    {
    }

    public LogStream(string url, TimeSpan timeout)
    {
        connection = new NatsConnection(new NatsOpts
        {
            Url = url,
            RetryOnInitialConnect = true,
            ReconnectWaitMin = TimeSpan.FromMilliseconds(10),
            ReconnectWaitMax = TimeSpan.FromMilliseconds(50),
            ReconnectJitter = TimeSpan.FromMilliseconds(10),
            RequestTimeout = timeout,
            CommandTimeout = timeout,
            PublishTimeoutOnDisconnected = true,
        });
        JetStream = new NatsJSContext(connection);
        Reader = new JetStreamReader(JetStream);
        logging = LoggerFactory.Create(logs => logs.SetMinimumLevel(LogLevel.Debug).AddProvider(Logs));
        Publisher = new FencedPublisher(
            JetStream, Reader, new NatsRoom(connection, TimeProvider.System, NullLogger<NatsRoom>.Instance), Meters.Of(meters => new NatsMetrics(meters, TimeProvider.System)), TimeProvider.System, logging.CreateLogger<FencedPublisher>());
    }

    public NatsJSContext JetStream { get; }

    public JetStreamReader Reader { get; }

    public FencedPublisher Publisher { get; }

    /// <summary>Of the publisher.</summary>
    public RecentLogs Logs { get; } = new();

    /// <summary>Creates the stream, and has time for whatever is asked of it.</summary>
    public static async Task<LogStream> CreateAsync(string url)
    {
        var log = new LogStream(url);
        await log.JetStream.CreateStreamAsync(new StreamConfig(Name, ["log.>"]) { AllowDirect = true }, TestContext.Current.CancellationToken);
        return log;
    }

    /// <summary>Publishes without a fence.</summary>
    public async Task<ulong> PublishAsync(string subject, byte[] payload, NatsHeaders? headers = null)
    {
        var ack = await JetStream.PublishAsync(subject, payload, NatsRawSerializer<byte[]>.Default, headers: headers, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        return ack.Seq;
    }

    /// <summary>A fenced append whose writer is known by a header.</summary>
    public Task<FencedResult> AppendAsync(string subject, string writer, ulong expectedLast) => Publisher.AppendAsync(
        Name, subject, "payload"u8.ToArray(), [new(WriterHeader, writer)], expectedLast, entry => WriterOf(entry) == writer, TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<StoredEntry>> ReadAsync(string subject, ulong from = 0, ulong upTo = 0) =>
        await Reader.ReadAsync(Name, subject, from, upTo, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

    /// <summary>Who wrote the messages of a subject, in order.</summary>
    public async Task<IReadOnlyList<string?>> WritersAsync(string subject) => [.. (await ReadAsync(subject)).Select(WriterOf)];

    public static string? WriterOf(StoredEntry? entry) => entry?.Header(WriterHeader);

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        logging.Dispose();
    }
}
