using System.IO.Pipelines;

namespace Kgents.Testing;

/// <summary>Reads frames off a socket's stream and hands each to a handler; ends when the peer has closed.</summary>
internal static class NatsFrameReader
{
    public static async Task ReadAllAsync(
        Stream stream, Func<NatsFrame, CancellationToken, ValueTask> onFrame, CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(cancellationToken);
                var buffer = read.Buffer;
                while (NatsFrameParser.TryRead(ref buffer, out var frame))
                {
                    await onFrame(frame, cancellationToken);
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }
}
