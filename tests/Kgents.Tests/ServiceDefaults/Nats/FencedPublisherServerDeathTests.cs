using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.ServiceDefaults.Nats;

public sealed class FencedPublisherServerDeathTests
{
    private const string Subject = "log.turn";

    [Fact(Timeout = Limits.Test)]
    public async Task Appends_AreStoredOnceAndInOrder_WhenTheServerIsKilledMeanwhile()
    {
        const int count = 200;
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var log = await LogStream.CreateAsync(nats.Url);
        await using var writer = new LogStream(nats.Url, LogStream.Impatient);
        var halfway = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var appending = AppendAllAsync();
        await halfway.Task;
        await nats.KillAsync(cancellationToken);
        await nats.RestartAsync(cancellationToken);
        await appending;

        Assert.Equal(Enumerable.Range(0, count).Select(index => $"w:{index}"), await log.WritersAsync(Subject));

        async Task AppendAllAsync()
        {
            var last = 0UL;
            for (var index = 0; index < count; index++)
            {
                if (index == count / 2)
                {
                    halfway.SetResult();
                }

                var result = await writer.AppendAsync(Subject, $"w:{index}", last);
                Assert.True(result.IsStored);
                last = result.Sequence;
            }
        }
    }
}
