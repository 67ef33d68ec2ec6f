using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>What comes in, in which order it is answered, and that nothing is lost or read too early.</summary>
public sealed class FluxOrderTests : KgentFluxTest
{
    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Output_IsInTheOrderOfTheSource_WithItsCorrelationIds()
    {
        var flux = Make();

        var output = await flux.Start(Of([.. Enumerable.Range(0, 300).Select(SoulEvent (number) => number % 3 == 0 ? Say("hm", $"{number}") : Ping($"{number}"))])).ToListAsync(Cancelled);

        Assert.Equal(Enumerable.Range(0, 300).Select(number => $"{number}"), output.Select(each => each.CorrelationId));
        Assert.All(output.OfType<DialogueTurn>(), turn => Assert.Equal(("You said: hm", 15, 3), (turn.Reply!.Text, turn.Reply.TokensUsed, turn.Reply.Chunks)));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Source_IsReadNoFasterThanTheOutput_AndNothingIsLost()
    {
        var taken = 0;
        var flux = Make(new KgentFluxOptions { BufferSize = 2, PulseInterval = null });
        var events = Enumerable.Range(0, 50).Select(SoulEvent (number) =>
        {
            Interlocked.Increment(ref taken);
            return Ping($"{number}");
        });
        var output = flux.Start(events.ToAsyncEnumerable()).GetAsyncEnumerator(Cancelled);

        // Two in the output and one that waits for its place; who comes from outside is let in all the same.
        await Hosting.Eventually.TrueAsync(() => Volatile.Read(ref taken) == 3);
        for (var visit = 0; visit < 10; visit++)
        {
            await flux.InvokeAsync(Ping("visit"), Cancelled);
        }

        Assert.Equal(3, Volatile.Read(ref taken));
        for (var number = 0; number < 50; number++)
        {
            Assert.True(await output.MoveNextAsync());
            Assert.Equal($"{number}", output.Current.CorrelationId);
        }

        Assert.False(await output.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Visitors_GoBeforeTheSource_FirstComeFirstServed_AndTheAnswerIsTheirsAlone()
    {
        var flux = Make();
        var mirror = new FluxMirror();
        flux.Mirror = mirror;
        var observed = mirror.Observe();
        source.Writer.TryWrite(Say(SpeakingModel.Silence, "busy"));
        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        await Hosting.Eventually.TrueAsync(() => !model.Asked.IsEmpty);
        await flux.StopAsync();

        // A second stream, held up by a visitor: what comes meanwhile, from both sides, waits.
        var held = new TaskCompletionSource();
        var slow = new SpeakingModel(_ =>
        {
            held.Task.Wait(Cancelled);
            return "done";
        });
        var other = Make(model: slow, mirror: mirror);
        var reading = other.Start(source.Reader.ReadAllAsync(Cancelled)).Take(3).ToListAsync(Cancelled);
        var first = other.InvokeAsync(Say("hold", "v0"), Cancelled);
        await Hosting.Eventually.TrueAsync(() => !slow.Asked.IsEmpty);
        foreach (var id in new[] { "s1", "s2", "s3" })
        {
            source.Writer.TryWrite(Ping(id));
        }

        var visits = Enumerable.Range(1, 20).Select(number => other.InvokeAsync(Ping($"v{number}"), Cancelled)).ToList();
        held.SetResult();

        Assert.Equal(Enumerable.Range(1, 20).Select(number => $"v{number}"), (await Task.WhenAll(visits)).Select(each => each.CorrelationId));
        Assert.Equal("done", Assert.IsType<DialogueTurn>(await first).Reply!.Text);
        Assert.Equal(["s1", "s2", "s3"], (await reading).Select(each => each.CorrelationId));
        var order = await observed.Where(each => each is Ping).Take(23).Select(each => each.CorrelationId).ToListAsync(Cancelled);
        Assert.Equal([.. Enumerable.Range(1, 20).Select(number => $"v{number}"), "s1", "s2", "s3"], order);
        await output.DisposeAsync();
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Source_WithALongGap_IsLeftAlone_WhateverElseHappens()
    {
        var gap = new TaskCompletionSource();
        var (begun, cancelled) = (0, false);
        var flux = Make(new KgentFluxOptions { PulseInterval = TimeSpan.FromMilliseconds(50) });
        var output = flux.Start(Gapped(Cancelled)).GetAsyncEnumerator(Cancelled);

        for (var beat = 0; beat < 20; beat++)
        {
            var next = output.MoveNextAsync().AsTask();
            await Hosting.Eventually.TrueAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return next.IsCompleted;
            });
            Assert.True(await next);
            Assert.IsType<Pulse>(output.Current);
            await flux.InvokeAsync(Ping("visit"), Cancelled);
        }

        gap.SetResult();
        SoulEvent? last = null;
        while (await output.MoveNextAsync())
        {
            last = output.Current is Pulse ? last : output.Current;
        }

        Assert.Equal(("after the gap", 1, false), (last?.CorrelationId, begun, cancelled));

        async IAsyncEnumerable<SoulEvent> Gapped([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
        {
            begun++;
            using var seen = token.Register(() => cancelled = true);
            await gap.Task.WaitAsync(token);
            yield return Ping("after the gap");
        }
    }
}
