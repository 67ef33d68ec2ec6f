using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Metering.Operations;

/// <summary>Answers what an operator asks through the API, one after the other; of several replicas one is asked.</summary>
internal sealed partial class UsageOperationsWorker(NatsTopology topology, INatsConnection connection, UsageOperations operations, TimeProvider time, ILogger<UsageOperationsWorker> logger) : BackgroundService
{
    private const string Group = "metering";

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await foreach (var request in connection.SubscribeAsync(Subjects.UsageOperations, Group, NatsRawSerializer<byte[]>.Default, cancellationToken: stoppingToken))
                    {
                        await AnswerAsync(request, stoppingToken);
                    }
                }
                catch (Exception exception) when (NatsFaults.IsPassing(exception, stoppingToken))
                {
                    LogInterrupted(exception.GetType().Name);
                }

                await Task.Delay(RetryDelay, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends. Who asked gets no answer, and may ask again.
        }
    }

    /// <summary>Without an answer where it is not known what became of it: then the API says so, and to ask again does no harm.</summary>
    private async Task AnswerAsync(NatsMsg<byte[]> request, CancellationToken cancellationToken)
    {
        try
        {
            if (JsonSerializer.Deserialize(request.Data ?? [], WireJson.Default.UsageOperation) is { } asked)
            {
                var answer = await operations.RunAsync(asked, cancellationToken);
                LogDone(asked.Kind, asked.Sequence, answer.Outcome);
                await request.ReplyAsync(JsonSerializer.SerializeToUtf8Bytes(answer, WireJson.Default.UsageAnswer), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
            }
        }
        catch (Exception exception) when (exception is JsonException or LedgerBrokenException || NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogFailed(exception.GetType().Name);
        }
    }

    [LoggerMessage(LogLevel.Information, "An operator asked to {Kind} usage event {Sequence}: {Outcome}.")]
    private partial void LogDone(string kind, ulong sequence, string outcome);

    [LoggerMessage(LogLevel.Warning, "What an operator asked was not done, or is not known to be ({Reason}).")]
    private partial void LogFailed(string reason);

    [LoggerMessage(LogLevel.Debug, "Operators are not heard for a moment ({Reason}).")]
    private partial void LogInterrupted(string reason);
}
