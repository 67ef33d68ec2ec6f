using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Metering.Operations;

/// <summary>Answers what an operator asks through the API, one after the other; of several replicas one is asked.</summary>
internal sealed partial class UsageOperationsWorker(NatsTopology topology, INatsConnection connection, UsageOperations operations, TimeProvider time, ILogger<UsageOperationsWorker> logger) : BackgroundService
{
    private const string Group = "metering";

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Below that of the API, which so hears of a failure; what waits for room in a full stream does not keep the others waiting for longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

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
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    // Whatever it is: an exception here would stop the process, and with it the billing.
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

    /// <summary>A failure is answered as one where it is not known what became of it: then the API says so, and to ask again does no harm.</summary>
    private async Task AnswerAsync(NatsMsg<byte[]> request, CancellationToken stoppingToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, patience.Token);
        try
        {
            var asked = JsonSerializer.Deserialize(request.Data ?? [], WireJson.Default.UsageOperation) ?? throw new JsonException();
            var answer = await operations.RunAsync(asked, limited.Token);
            LogDone(asked.Kind, asked.Sequence, answer.Outcome);
            await ReplyAsync(request, answer, limited.Token);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            // Whatever it is: what one event or one request is like must not stop the billing of all others.
            LogFailed(exception.GetType().Name);
            await ReplyAsync(request, new UsageAnswer(UsageAnswerOutcomes.Failed), stoppingToken);
        }
    }

    private static ValueTask ReplyAsync(NatsMsg<byte[]> request, UsageAnswer answer, CancellationToken cancellationToken) =>
        request.ReplyAsync(JsonSerializer.SerializeToUtf8Bytes(answer, WireJson.Default.UsageAnswer), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);

    [LoggerMessage(LogLevel.Information, "An operator asked to {Kind} usage event {Sequence}: {Outcome}.")]
    private partial void LogDone(string kind, ulong sequence, string outcome);

    [LoggerMessage(LogLevel.Warning, "What an operator asked was not done, or is not known to be ({Reason}).")]
    private partial void LogFailed(string reason);

    [LoggerMessage(LogLevel.Debug, "Operators are not heard for a moment ({Reason}).")]
    private partial void LogInterrupted(string reason);
}
