using System.Text.Json;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Api.Operations;

/// <summary>Has metering do what an operator asks: the ledger is metering's alone, and the API has no right to write there.</summary>
internal sealed class UsageOperator(INatsConnection connection)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    /// <summary>The answer of what was done, or the problem to give.</summary>
    public async Task<IResult> AskAsync(UsageOperation asked, Func<UsageAnswer, IResult> done, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await connection.RequestAsync(
                Subjects.UsageOperations,
                JsonSerializer.SerializeToUtf8Bytes(asked, WireJson.Default.UsageOperation),
                requestSerializer: NatsRawSerializer<byte[]>.Default,
                replySerializer: NatsRawSerializer<byte[]>.Default,
                replyOpts: new NatsSubOpts { Timeout = AnswerTimeout },
                cancellationToken: cancellationToken);
            var answer = JsonSerializer.Deserialize(reply.Data ?? [], WireJson.Default.UsageAnswer)!;
            return answer.Outcome switch
            {
                UsageAnswerOutcomes.Done => done(answer),
                UsageAnswerOutcomes.NotFound => Problem.DeadLetterNotFound,
                UsageAnswerOutcomes.Refused => Problem.OperationRefused(answer.Why ?? ""),
                _ => Problem.MeteringAway,
            };
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            return Problem.MeteringAway;
        }
    }
}
