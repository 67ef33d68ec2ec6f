using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Api.Turns;

/// <summary>
/// Asks the leaders of streams what comes last, for thousands who look now and then whether they have missed something. A request of NATS.Net leaves several kilobytes behind, which would be most of
/// what an idle process allocates: here one loop sends all questions, one subscription has all answers, one timer looks for those that do not come, and nothing is read of them but what is asked for.
/// </summary>
internal sealed class TailReader : BackgroundService
{
    /// <summary>Questions that wait to be sent; who has one more is not answered.</summary>
    private const int Capacity = 64 * 1024;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly Channel<TailQuestion> unsent = Channel.CreateBounded<TailQuestion>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ConcurrentDictionary<long, TailQuestion> asked = new();
    private readonly ConcurrentDictionary<string, string> requests = new();
    private readonly INatsConnection connection;
    private readonly string prefix;
    private readonly TimeSpan timeout;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private TailAnswers? answers;
    private long last;

    public TailReader(INatsConnection connection, INatsJSContext jetStream, TimeProvider time)
    {
        (this.connection, this.time) = (connection, time);
        (prefix, timeout) = ($"{jetStream.Opts.Prefix}.STREAM.MSG.GET.", jetStream.Opts.RequestTimeout);
        timer = time.CreateTimer(_ => GiveUp(timeout), null, timeout / 2, timeout / 2);
    }

    /// <summary>Null when there is no answer, or none that says it. It takes little longer than a request may, and is not cut short.</summary>
    /// <param name="subject">Of ids: nothing in it has to be escaped.</param>
    public Task<Tail?> LastAsync(string stream, string subject)
    {
        var question = new TailQuestion(Interlocked.Increment(ref last), requests.GetOrAdd(stream, static (name, prefix) => prefix + name, prefix), subject, time.GetTimestamp());
        asked[question.Number] = question;
        if (!unsent.Writer.TryWrite(question))
        {
            question.GiveUp();
            asked.TryRemove(question.Number, out _);
        }

        return question.Task;
    }

    /// <summary>Nobody waits for an answer after it.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        unsent.Writer.TryComplete();
        GiveUp(TimeSpan.Zero);
    }

    public override void Dispose()
    {
        timer.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ListenAsync(stoppingToken);
            await foreach (var question in unsent.Reader.ReadAllAsync(stoppingToken))
            {
                await SendAsync(question, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                // NATS.Net gives up one that could not be sent.
                answers = new TailAnswers(connection, asked);
                await connection.AddSubAsync(answers, cancellationToken);
                return;
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }

    private async ValueTask SendAsync(TailQuestion question, CancellationToken cancellationToken)
    {
        // While NATS was away its time may have passed.
        if (question.Task.IsCompleted)
        {
            return;
        }

        try
        {
            await connection.PublishAsync(question.Request, question.Subject, replyTo: answers!.AddressOf(question), serializer: LastOfSubject.Instance, cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            question.GiveUp();
        }
    }

    /// <summary>Those that were asked so long ago.</summary>
    private void GiveUp(TimeSpan age)
    {
        foreach (var (number, question) in asked)
        {
            if (time.GetElapsedTime(question.Asked) >= age && asked.TryRemove(number, out _))
            {
                question.GiveUp();
            }
        }
    }

    /// <summary>The question, written where it is sent from.</summary>
    private sealed class LastOfSubject : INatsSerialize<string>
    {
        public static LastOfSubject Instance { get; } = new();

        public void Serialize(IBufferWriter<byte> bufferWriter, string value)
        {
            bufferWriter.Write("{\"last_by_subj\":\""u8);
            Encoding.UTF8.GetBytes(value, bufferWriter);
            bufferWriter.Write("\"}"u8);
        }
    }
}
